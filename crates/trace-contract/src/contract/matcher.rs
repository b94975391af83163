//! Matchers for strings and attribute values.

use std::fmt;

use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::model::Value;

/// A regular expression that must match the complete string.
#[derive(Clone, Debug)]
pub struct Pattern {
    source: String,
    regex: Regex,
}

impl Pattern {
    /// Compiles `source`.
    ///
    /// # Errors
    /// When `source` is not a valid regular expression.
    pub fn new(source: &str) -> Result<Self, String> {
        // The group makes the anchors apply to every alternative.
        let regex = Regex::new(&format!("^(?:{source})$"))
            .map_err(|error| format!("{source:?} is not a valid regular expression: {error}"))?;
        Ok(Self {
            source: source.to_owned(),
            regex,
        })
    }

    /// The expression, without the anchors.
    pub fn source(&self) -> &str {
        &self.source
    }

    fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

/// What a string must be.
#[derive(Clone, Debug, PartialEq)]
pub enum Text {
    /// Equal to this string.
    Equals(String),
    /// Any string that the pattern matches.
    Matches(Pattern),
}

impl Text {
    /// Whether `text` matches.
    pub fn accepts(&self, text: &str) -> bool {
        match self {
            Self::Equals(expected) => expected == text,
            Self::Matches(pattern) => pattern.is_match(text),
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::Equals(text.to_owned())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::Equals(text)
    }
}

/// The string itself, or the pattern between slashes.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equals(text) => f.write_str(text),
            Self::Matches(pattern) => write!(f, "/{}/", pattern.source),
        }
    }
}

/// What the value of an attribute must be.
#[derive(Clone, Debug, PartialEq)]
pub enum Matcher {
    /// Equal in type and content. Bytes cannot be written in YAML.
    Equals(Value),
    /// A string that the pattern matches.
    Matches(Pattern),
    /// Present with any value, or absent.
    Present(bool),
    /// Present with any value of this type.
    Type(ValueType),
}

impl Matcher {
    /// Whether `value` matches; `None` is an absent attribute.
    pub fn accepts(&self, value: Option<&Value>) -> bool {
        match self {
            Self::Equals(expected) => value == Some(expected),
            Self::Matches(pattern) => value
                .and_then(Value::as_str)
                .is_some_and(|text| pattern.is_match(text)),
            Self::Present(present) => value.is_some() == *present,
            Self::Type(expected) => value.is_some_and(|it| it.type_name() == expected.as_str()),
        }
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equals(value) => write!(f, "{value}"),
            Self::Matches(pattern) => write!(f, "string matching /{}/", pattern.source),
            Self::Present(true) => f.write_str("any value"),
            Self::Present(false) => f.write_str("no such attribute"),
            Self::Type(expected) => write!(f, "any {}", expected.as_str()),
        }
    }
}

/// The type of an attribute value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ValueType {
    /// A string.
    String,
    /// A boolean.
    Bool,
    /// A 64-bit integer.
    Int,
    /// A floating point number.
    Double,
    /// Bytes.
    Bytes,
    /// A list.
    Array,
    /// A map.
    Map,
}

impl ValueType {
    /// The name of the type, as contracts write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Double => "double",
            Self::Bytes => "bytes",
            Self::Array => "array",
            Self::Map => "map",
        }
    }

    /// The type of `value`; `None` if it is empty.
    pub fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::String(_) => Self::String,
            Value::Bool(_) => Self::Bool,
            Value::Int(_) => Self::Int,
            Value::Double(_) => Self::Double,
            Value::Bytes(_) => Self::Bytes,
            Value::Array(_) => Self::Array,
            Value::Map(_) => Self::Map,
            Value::Empty => return None,
        })
    }
}
