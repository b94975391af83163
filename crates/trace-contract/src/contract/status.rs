//! The required status of a span, and its YAML.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::matcher::Text;
use crate::model::Status;

/// The required status of a span.
#[derive(Clone, Debug, PartialEq)]
pub enum StatusContract {
    /// Not set.
    Unset,
    /// Explicitly marked as successful.
    Ok,
    /// An error, with a message that matches if one is declared.
    Error(Option<Text>),
}

impl StatusContract {
    /// Whether `status` matches.
    pub fn accepts(&self, status: &Status) -> bool {
        match (self, status) {
            (Self::Unset, Status::Unset) | (Self::Ok, Status::Ok) => true,
            (Self::Error(expected), Status::Error { message }) => expected
                .as_ref()
                .is_none_or(|expected| expected.accepts(message)),
            _ => false,
        }
    }
}

impl fmt::Display for StatusContract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unset => f.write_str("unset"),
            Self::Ok => f.write_str("ok"),
            Self::Error(None) => f.write_str("error"),
            Self::Error(Some(Text::Equals(text))) => write!(f, "error {text:?}"),
            Self::Error(Some(pattern)) => write!(f, "error {pattern}"),
        }
    }
}

impl<'de> Deserialize<'de> for StatusContract {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StatusVisitor)
    }
}

struct StatusVisitor;

impl<'de> Visitor<'de> for StatusVisitor {
    type Value = StatusContract;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unset, ok, error, or {code: error, message: TEXT}")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<StatusContract, E> {
        match text {
            "unset" => Ok(StatusContract::Unset),
            "ok" => Ok(StatusContract::Ok),
            "error" => Ok(StatusContract::Error(None)),
            _ => Err(E::unknown_variant(text, &["unset", "ok", "error"])),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<StatusContract, A::Error> {
        let found = StatusKeys::deserialize(MapAccessDeserializer::new(map))?;
        match (self.visit_str(&found.code)?, found.message) {
            (StatusContract::Error(_), message) => Ok(StatusContract::Error(message)),
            (status, None) => Ok(status),
            _ => Err(A::Error::custom(
                "only an error has a message: write {code: error, message: TEXT}",
            )),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StatusKeys {
    code: String,
    message: Option<Text>,
}

impl Serialize for StatusContract {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unset => serializer.serialize_str("unset"),
            Self::Ok => serializer.serialize_str("ok"),
            Self::Error(None) => serializer.serialize_str("error"),
            Self::Error(Some(message)) => StatusKeys {
                code: "error".to_owned(),
                message: Some(message.clone()),
            }
            .serialize(serializer),
        }
    }
}
