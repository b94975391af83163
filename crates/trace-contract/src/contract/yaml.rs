//! The YAML of strings, values and matchers.
//!
//! The visitors are written by hand, because serde's `untagged` loses the line of an
//! error and what was expected there.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Error as _, SerializeMap};
use serde::{Deserialize, Serialize, Serializer};

use super::matcher::{Matcher, Pattern, Text, ValueType};
use crate::model::Value;

/// Reads matchers by attribute key, and rejects duplicate keys.
pub(super) fn unique<'de, D>(deserializer: D) -> Result<BTreeMap<String, Matcher>, D::Error>
where
    D: Deserializer<'de>,
{
    deserializer.deserialize_map(UniqueVisitor(PhantomData))
}

/// Reads an optional field. A field without a value is not absent: `events:` without a
/// list allows no event, and `status:` without a value is an error.
pub(super) fn some<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

struct UniqueVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for UniqueVisitor<T> {
    type Value = BTreeMap<String, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = BTreeMap::new();
        while let Some(key) = map.next_key::<String>()? {
            if values.contains_key(&key) {
                return Err(A::Error::custom(format_args!(
                    "duplicate key `{key}`: remove one of them"
                )));
            }
            let value = map.next_value()?;
            values.insert(key, value);
        }
        Ok(values)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string (in quotes if YAML reads another type), or {matches: REGEX}")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
        Ok(Text::from(text))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Text, A::Error> {
        let MatchesOnly { matches } = MatchesOnly::deserialize(MapAccessDeserializer::new(map))?;
        Pattern::new(&matches)
            .map(Text::Matches)
            .map_err(A::Error::custom)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MatchesOnly {
    matches: String,
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Equals(text) => serializer.serialize_str(text),
            Self::Matches(pattern) => MatchesOnly {
                matches: pattern.source().to_owned(),
            }
            .serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Matcher {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MatcherVisitor)
    }
}

struct MatcherVisitor;

impl<'de> Visitor<'de> for MatcherVisitor {
    type Value = Matcher;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a value, or one of {matches: REGEX}, {present: true}, {present: false}, \
             {type: int} and {equals: VALUE}",
        )
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Matcher, E> {
        ValueVisitor.visit_bool(value).map(Matcher::Equals)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Matcher, E> {
        ValueVisitor.visit_i64(number).map(Matcher::Equals)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Matcher, E> {
        ValueVisitor.visit_u64(number).map(Matcher::Equals)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Matcher, E> {
        ValueVisitor.visit_f64(number).map(Matcher::Equals)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Matcher, E> {
        ValueVisitor.visit_str(text).map(Matcher::Equals)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Matcher, A::Error> {
        ValueVisitor.visit_seq(list).map(Matcher::Equals)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Matcher, A::Error> {
        Keys::deserialize(MapAccessDeserializer::new(map))?
            .matcher()
            .map_err(A::Error::custom)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    matches: Option<String>,
    present: Option<bool>,
    r#type: Option<ValueType>,
    #[serde(default, deserialize_with = "some_value")]
    equals: Option<Value>,
}

/// Reads a value. `null` is a value, not a missing key.
fn some_value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    deserializer.deserialize_any(ValueVisitor).map(Some)
}

impl Keys {
    fn matcher(self) -> Result<Matcher, String> {
        match (self.matches, self.present, self.r#type, self.equals) {
            (Some(source), None, None, None) => Pattern::new(&source).map(Matcher::Matches),
            (None, Some(present), None, None) => Ok(Matcher::Present(present)),
            (None, None, Some(expected), None) => Ok(Matcher::Type(expected)),
            (None, None, None, Some(value)) => Ok(Matcher::Equals(value)),
            _ => Err(
                "a matcher has exactly one of `matches`, `present`, `type` and `equals`".to_owned(),
            ),
        }
    }
}

impl Serialize for Matcher {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = match self {
            Self::Equals(value @ (Value::Map(_) | Value::Empty)) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("equals", &AsYaml(value))?;
                return map.end();
            }
            Self::Equals(value) => return AsYaml(value).serialize(serializer),
            _ => serializer.serialize_map(Some(1))?,
        };
        match self {
            Self::Matches(pattern) => map.serialize_entry("matches", pattern.source())?,
            Self::Present(present) => map.serialize_entry("present", present)?,
            Self::Type(expected) => map.serialize_entry("type", expected)?,
            Self::Equals(_) => {}
        }
        map.end()
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        i64::try_from(number).map(Value::Int).map_err(|_| {
            E::custom(format_args!(
                "{number} is too large for a 64-bit signed integer"
            ))
        })
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Double(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Empty)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Value, A::Error> {
        let values = Vec::<YamlValue>::deserialize(SeqAccessDeserializer::new(list))?;
        Ok(Value::Array(
            values.into_iter().map(|value| value.0).collect(),
        ))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        let values = UniqueVisitor::<YamlValue>(PhantomData).visit_map(map)?;
        let values = values.into_iter().map(|(key, value)| (key, value.0));
        Ok(Value::Map(values.collect()))
    }
}

struct YamlValue(Value);

impl<'de> Deserialize<'de> for YamlValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor).map(Self)
    }
}

struct AsYaml<'a>(&'a Value);

impl Serialize for AsYaml<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::String(text) => serializer.serialize_str(text),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Int(number) => serializer.serialize_i64(*number),
            Value::Double(number) => serializer.serialize_f64(*number),
            Value::Empty => serializer.serialize_unit(),
            Value::Array(values) => serializer.collect_seq(values.iter().map(AsYaml)),
            Value::Map(map) => {
                serializer.collect_map(map.iter().map(|(key, value)| (key, AsYaml(value))))
            }
            Value::Bytes(_) => Err(S::Error::custom("bytes cannot be written in a contract")),
        }
    }
}
