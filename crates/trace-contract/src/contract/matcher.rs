//! What a value or a text must be: equal in type and content, or as a matcher says.

use std::fmt;

use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::model::Value;

/// A regular expression that must match the whole text.
#[derive(Clone, Debug)]
pub struct Pattern {
    source: String,
    regex: Regex,
}

impl Pattern {
    /// Compiles `source`.
    ///
    /// # Errors
    /// When it is no regular expression.
    pub fn new(source: &str) -> Result<Self, String> {
        // The anchors must hold of every alternative.
        let regex = Regex::new(&format!("^(?:{source})$"))
            .map_err(|error| format!("{source:?} is no regular expression: {error}"))?;
        Ok(Self {
            source: source.to_owned(),
            regex,
        })
    }

    /// The expression as it was written.
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

/// What a text must be.
#[derive(Clone, Debug, PartialEq)]
pub enum Text {
    /// This text.
    Equals(String),
    /// Any text that the pattern matches.
    Matches(Pattern),
}

impl Text {
    /// Whether `text` is as it must be.
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

/// The text itself; a pattern between slashes.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equals(text) => f.write_str(text),
            Self::Matches(pattern) => write!(f, "/{}/", pattern.source),
        }
    }
}

/// What an attribute's value must be.
#[derive(Clone, Debug, PartialEq)]
pub enum Matcher {
    /// Equal in type and content. Bytes have no form in YAML.
    Equals(Value),
    /// A string that the pattern matches.
    Matches(Pattern),
    /// There, whatever its value, or not there.
    Present(bool),
    /// There and of this type, whatever its value.
    Type(ValueType),
}

impl Matcher {
    /// Whether `value` is as it must be; `None` is an attribute that is not there.
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

/// The type of an attribute's value.
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
    /// Values by key.
    Map,
}

impl ValueType {
    /// The type's name.
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

    /// The type of `value`; `None` when it is empty.
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
