//! JSON as programs write it: `null` for a default, one value instead of a list, 64-bit
//! numbers in strings, enums by number or by name, bytes in base64.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use base64::Engine;
use base64::alphabet::{Alphabet, STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// A value for which `null` stands for the default, like a missing field.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Nullable<T>(pub(crate) T);

impl<'de, T: Default + Deserialize<'de>> Deserialize<'de> for Nullable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Option::deserialize(deserializer)?.unwrap_or_default()))
    }
}

/// One object, or a list of them; the lists may be nested.
pub(crate) struct OneOrMany<T>(pub(crate) Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Objects<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Objects<T> {
            type Value = OneOrMany<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object or a list of objects")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let one = T::deserialize(MapAccessDeserializer::new(map))?;
                Ok(OneOrMany(vec![one]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some(OneOrMany(more)) = list.next_element()? {
                    all.extend(more);
                }
                Ok(OneOrMany(all))
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(OneOrMany(Vec::new()))
            }
        }

        deserializer.deserialize_any(Objects(PhantomData))
    }
}

/// A number, or a number in a string; `null` is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(try_from = "NumberOrString<T>")]
#[serde(bound(deserialize = "T: Default + Deserialize<'de> + FromStr"))]
pub(crate) struct Number<T>(pub(crate) T);

#[derive(serde::Deserialize)]
#[serde(untagged, expecting = "expected a number, or a number in a string")]
enum NumberOrString<T> {
    Number(T),
    String(String),
    Null(()),
}

impl<T: Default + FromStr> TryFrom<NumberOrString<T>> for Number<T> {
    type Error = String;

    fn try_from(found: NumberOrString<T>) -> Result<Self, String> {
        match found {
            NumberOrString::Number(number) => Ok(Self(number)),
            NumberOrString::Null(()) => Ok(Self::default_number()),
            NumberOrString::String(text) => text
                .parse()
                .map(Self)
                .map_err(|_| format!("{text:?} is not a valid {}", std::any::type_name::<T>())),
        }
    }
}

impl<T: Default> Number<T> {
    fn default_number() -> Self {
        Self(T::default())
    }
}

/// The value of an enum, by number or by name.
#[derive(Debug, serde::Deserialize)]
#[serde(untagged, expecting = "expected a number or a name")]
pub(crate) enum EnumValue {
    Number(i64),
    Name(String),
    Null(()),
}

impl Default for EnumValue {
    fn default() -> Self {
        Self::Null(())
    }
}

impl EnumValue {
    /// The name in upper case and without `prefix`; a number selects from `names`.
    pub(crate) fn name(&self, prefix: &str, names: &[&str]) -> String {
        let numbered = |number: i64| {
            let index = usize::try_from(number).ok();
            let name = index.and_then(|index| names.get(index));
            name.map_or_else(String::new, |name| (*name).to_owned())
        };
        match self {
            Self::Null(()) => numbered(0),
            Self::Number(number) => numbered(*number),
            Self::Name(name) => {
                let upper = name.to_ascii_uppercase();
                let name = || upper.strip_prefix(prefix).unwrap_or(&upper).to_owned();
                upper.parse().ok().map_or_else(name, numbered)
            }
        }
    }
}

/// Bytes in base64.
#[derive(Debug, serde::Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Base64(pub(crate) Vec<u8>);

impl TryFrom<String> for Base64 {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        from_base64(&text)
            .map(Self)
            .ok_or_else(|| format!("{text:?} is not base64"))
    }
}

/// Decodes base64 in the standard or the URL-safe alphabet, with or without padding, as
/// protobuf's JSON requires of readers.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    let decode = |alphabet: &Alphabet| {
        let config =
            GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        GeneralPurpose::new(alphabet, config).decode(text).ok()
    };
    decode(&STANDARD).or_else(|| decode(&URL_SAFE))
}
