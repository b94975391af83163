//! Attribute values with their types: 200 is not "200".

use std::collections::BTreeMap;
use std::fmt;

/// Attributes by key, in the order of their keys.
pub type Attributes = BTreeMap<String, Value>;

/// The value of an attribute.
#[derive(Clone, Debug)]
pub enum Value {
    /// A string.
    String(String),
    /// A boolean.
    Bool(bool),
    /// A 64-bit integer.
    Int(i64),
    /// A floating point number.
    Double(f64),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A list.
    Array(Vec<Value>),
    /// A map.
    Map(Attributes),
    /// The empty value: an attribute without a value.
    Empty,
}

impl Value {
    /// The name of the value's type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::String(_) => "string",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Double(_) => "double",
            Self::Bytes(_) => "bytes",
            Self::Array(_) => "array",
            Self::Map(_) => "map",
            Self::Empty => "empty",
        }
    }

    /// The string, if the value is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The integer, if the value is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }
}

/// Equal in type and content. NaN equals NaN, so that two copies of a span are equal.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Double(a), Self::Double(b)) => a == b || (a.is_nan() && b.is_nan()),
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Array(a), Self::Array(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => a == b,
            (Self::Empty, Self::Empty) => true,
            _ => false,
        }
    }
}

/// The type and the value, such as `int 200` and `string "200"`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::Empty {
            return f.write_str("an empty value");
        }
        write!(f, "{} ", self.type_name())?;
        write_bare(self, f)
    }
}

fn write_bare(value: &Value, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match value {
        Value::String(text) => write!(f, "{text:?}"),
        Value::Bool(value) => write!(f, "{value}"),
        Value::Int(value) => write!(f, "{value}"),
        // `Debug` keeps the fraction: 1.0 and not 1.
        Value::Double(value) => write!(f, "{value:?}"),
        Value::Bytes(bytes) => write!(f, "({} bytes)", bytes.len()),
        Value::Empty => f.write_str("empty"),
        Value::Array(values) => {
            f.write_str("[")?;
            for (i, value) in values.iter().enumerate() {
                f.write_str(if i > 0 { ", " } else { "" })?;
                write_bare(value, f)?;
            }
            f.write_str("]")
        }
        Value::Map(map) => {
            f.write_str("{")?;
            for (i, (key, value)) in map.iter().enumerate() {
                f.write_str(if i > 0 { ", " } else { "" })?;
                write!(f, "{key}: ")?;
                write_bare(value, f)?;
            }
            f.write_str("}")
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Double(number)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}
