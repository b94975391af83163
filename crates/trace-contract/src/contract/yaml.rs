//! How texts, values, matchers and statuses are written in YAML.
//!
//! Read by hand and not by `untagged`, so that an error keeps its line and says
//! what would be right there.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Error as _, SerializeMap};
use serde::{Deserialize, Serialize, Serializer};

use super::matcher::{Matcher, Pattern, Text, ValueType};
use crate::model::Value;

/// Reads attributes by key. Of a key that stands there twice, one would be lost.
pub(super) fn unique<'de, D>(deserializer: D) -> Result<BTreeMap<String, Matcher>, D::Error>
where
    D: Deserializer<'de>,
{
    deserializer.deserialize_map(UniqueVisitor(PhantomData))
}

/// Reads what may be left out. Left empty, it is not absent: `events:` with
/// nothing behind it allows no event, and `status:` is a mistake.
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
        f.write_str("values by key")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = BTreeMap::new();
        while let Some(key) = map.next_key::<String>()? {
            if values.contains_key(&key) {
                return Err(A::Error::custom(format_args!(
                    "`{key}` stands there twice: leave one of them out"
                )));
            }
            let value = map.next_value()?;
            values.insert(key, value);
        }
        Ok(values)
    }
}

const ONE_KEY: &str = "a matcher has exactly one of `matches`, `present`, `type` and `equals`";

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, in quotes where YAML takes it for something else, or {matches: REGEX}")
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

/// A `null` is a value here, and no missing key.
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
            _ => Err(ONE_KEY.to_owned()),
        }
    }
}

impl Serialize for Matcher {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = match self {
            Self::Equals(value @ (Value::Map(_) | Value::Empty)) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("equals", &InYaml(value))?;
                return map.end();
            }
            Self::Equals(value) => return InYaml(value).serialize(serializer),
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
        i64::try_from(number)
            .map(Value::Int)
            .map_err(|_| E::custom(format_args!("{number} is no 64-bit integer of OTLP")))
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
        let values = Vec::<OwnValue>::deserialize(SeqAccessDeserializer::new(list))?;
        Ok(Value::Array(values.into_iter().map(|own| own.0).collect()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        let values = UniqueVisitor::<OwnValue>(PhantomData).visit_map(map)?;
        let values = values.into_iter().map(|(key, own)| (key, own.0));
        Ok(Value::Map(values.collect()))
    }
}

struct OwnValue(Value);

impl<'de> Deserialize<'de> for OwnValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor).map(Self)
    }
}

struct InYaml<'a>(&'a Value);

impl Serialize for InYaml<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::String(text) => serializer.serialize_str(text),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Int(number) => serializer.serialize_i64(*number),
            Value::Double(number) => serializer.serialize_f64(*number),
            Value::Empty => serializer.serialize_unit(),
            Value::Array(values) => serializer.collect_seq(values.iter().map(InYaml)),
            Value::Map(map) => {
                serializer.collect_map(map.iter().map(|(key, value)| (key, InYaml(value))))
            }
            Value::Bytes(_) => Err(S::Error::custom("bytes have no form in a contract")),
        }
    }
}
