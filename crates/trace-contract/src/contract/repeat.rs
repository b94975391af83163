//! How often a span occurs: `repeat: 3`, `repeat: 1..3`.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// From `min` to `max` times, inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    min: usize,
    max: usize,
}

impl Repeat {
    /// Exactly once: the default.
    pub const ONCE: Self = Self { min: 1, max: 1 };

    /// From `min` to `max` times; `None` if `max` is zero or less than `min`.
    pub fn new(min: usize, max: usize) -> Option<Self> {
        (min <= max && max > 0).then_some(Self { min, max })
    }

    /// The minimum.
    pub fn min(self) -> usize {
        self.min
    }

    /// The maximum.
    pub fn max(self) -> usize {
        self.max
    }

    #[allow(clippy::trivially_copy_pass_by_ref)] // serde passes a reference.
    pub(super) fn is_once(&self) -> bool {
        *self == Self::ONCE
    }
}

impl Default for Repeat {
    fn default() -> Self {
        Self::ONCE
    }
}

impl fmt::Display for Repeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.min == self.max {
            write!(f, "{}", self.min)
        } else {
            write!(f, "{}..{}", self.min, self.max)
        }
    }
}

impl FromStr for Repeat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (min, max) = text.split_once("..").unwrap_or((text, text));
        min.trim()
            .parse()
            .ok()
            .zip(max.trim().parse().ok())
            .and_then(|(min, max)| Self::new(min, max))
            .ok_or_else(|| {
                format!("repeat {text:?} is invalid: write 3, or 1..3 for one to three times")
            })
    }
}

impl<'de> Deserialize<'de> for Repeat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RepeatVisitor)
    }
}

struct RepeatVisitor;

impl Visitor<'_> for RepeatVisitor {
    type Value = Repeat;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number such as 3, or a range such as 1..3")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Repeat, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Repeat, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Repeat, E> {
        text.parse().map_err(E::custom)
    }
}

impl Serialize for Repeat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.min == self.max {
            serializer.serialize_u64(self.min as u64)
        } else {
            serializer.collect_str(self)
        }
    }
}
