//! The scalars of protobuf's JSON, which have more than one form: 64-bit numbers in
//! strings, enums by number or by name, bytes in base64.

use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

/// A number, or a number in a string.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(try_from = "NumberOrString<T>")]
#[serde(bound(deserialize = "T: Deserialize<'de> + FromStr"))]
pub(super) struct Number<T>(pub(super) T);

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a number, or a number in a string")]
enum NumberOrString<T> {
    Number(T),
    String(String),
}

impl<T: FromStr> TryFrom<NumberOrString<T>> for Number<T> {
    type Error = String;

    fn try_from(found: NumberOrString<T>) -> Result<Self, String> {
        match found {
            NumberOrString::Number(number) => Ok(Self(number)),
            NumberOrString::String(text) => text
                .parse()
                .map(Self)
                .map_err(|_| format!("{text:?} is not a valid {}", std::any::type_name::<T>())),
        }
    }
}

/// The value of an enum, by number or by name.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum EnumValue {
    Number(i64),
    Name(String),
}

impl Default for EnumValue {
    fn default() -> Self {
        Self::Number(0)
    }
}

/// Bytes in base64.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Base64(pub(super) Vec<u8>);

impl TryFrom<String> for Base64 {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        STANDARD
            .decode(&text)
            .map(Self)
            .map_err(|error| format!("{text:?} is not base64: {error}"))
    }
}
