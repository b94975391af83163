//! The shape of a JSON document: its keys, without its content. Formats are detected
//! from it.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

/// Deeper values are not looked at.
const MAX_DEPTH: usize = 6;
/// Further elements of a list are not looked at.
const MAX_ELEMENTS: usize = 16;
/// Further keys of an object are not looked at.
const MAX_KEYS: usize = 64;

/// The keys of a JSON value. Lists are transparent: a list has the keys of its elements.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Shape {
    keys: BTreeMap<String, Shape>,
    /// A string, or a list with a string.
    is_text: bool,
    is_list: bool,
    /// `null`, or a list without elements.
    is_empty: bool,
}

impl Shape {
    /// The shape of the document, as far as it can be read.
    pub(super) fn of(json: &[u8]) -> Self {
        let mut shape = Self::default();
        let into = Into {
            shape: &mut shape,
            depth: 0,
        };
        // An error is reported when the document is parsed.
        let _ = into.deserialize(&mut serde_json::Deserializer::from_slice(json));
        shape
    }

    /// The value at keys that are separated by dots, such as `data.spans`.
    pub(super) fn get(&self, path: &str) -> Option<&Self> {
        path.split('.')
            .try_fold(self, |shape, key| shape.keys.get(key))
    }

    pub(super) fn has(&self, path: &str) -> bool {
        self.get(path).is_some()
    }

    /// Whether all paths exist.
    pub(super) fn has_all(&self, paths: &[&str]) -> bool {
        paths.iter().all(|path| self.has(path))
    }

    pub(super) fn has_any(&self, paths: &[&str]) -> bool {
        paths.iter().any(|path| self.has(path))
    }

    pub(super) fn is_text(&self) -> bool {
        self.is_text
    }

    pub(super) fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// What an unknown document is called in an error.
    pub(super) fn describe(&self) -> String {
        const MAX_SHOWN: usize = 6;
        let keys: Vec<String> = self
            .keys
            .keys()
            .take(MAX_SHOWN)
            .map(|key| format!("{:?}", crate::text::truncate(key, 40)))
            .collect();
        let more = if self.keys.len() > MAX_SHOWN {
            ", …"
        } else {
            ""
        };
        match (&keys[..], self.is_list) {
            ([], true) => "a JSON list without objects".to_owned(),
            ([], false) => "JSON without keys".to_owned(),
            (keys, true) => format!(
                "a JSON list of objects with the keys {}{more}",
                keys.join(", ")
            ),
            (keys, false) => format!("a JSON object with the keys {}{more}", keys.join(", ")),
        }
    }
}

/// Adds a value to a shape.
struct Into<'a> {
    shape: &'a mut Shape,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Into<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.depth > MAX_DEPTH {
            return IgnoredAny::deserialize(deserializer).map(drop);
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Into<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if self.shape.keys.len() >= MAX_KEYS && !self.shape.keys.contains_key(&key) {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            map.next_value_seed(Into {
                shape: self.shape.keys.entry(key).or_default(),
                depth: self.depth + 1,
            })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        self.shape.is_list = true;
        let mut count = 0;
        while count < MAX_ELEMENTS {
            let element = Into {
                shape: self.shape,
                depth: self.depth + 1,
            };
            if list.next_element_seed(element)?.is_none() {
                self.shape.is_empty = count == 0;
                return Ok(());
            }
            count += 1;
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        self.shape.is_text = true;
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.shape.is_empty = true;
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
}
