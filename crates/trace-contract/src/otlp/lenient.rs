//! The scalars of protobuf's JSON, which may be written in more than one way:
//! 64-bit numbers as strings, enums by number or by name, bytes in base64.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

/// A number, or a number in a string.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Number<T>(pub(super) T);

/// What JSON and a string can give of a number.
pub(super) trait Scalar: FromStr + Sized {
    const WHAT: &'static str;
    fn from_unsigned(number: u64) -> Option<Self>;
    fn from_signed(number: i64) -> Option<Self>;
    fn from_float(number: f64) -> Option<Self>;
}

macro_rules! integer {
    ($type:ty, $what:literal) => {
        impl Scalar for $type {
            const WHAT: &'static str = $what;

            fn from_unsigned(number: u64) -> Option<Self> {
                number.try_into().ok()
            }

            fn from_signed(number: i64) -> Option<Self> {
                number.try_into().ok()
            }

            fn from_float(_: f64) -> Option<Self> {
                None
            }
        }
    };
}

integer!(u32, "a 32-bit unsigned integer");
integer!(u64, "a 64-bit unsigned integer");
integer!(i64, "a 64-bit integer");

impl Scalar for f64 {
    const WHAT: &'static str = "a number";

    #[allow(clippy::cast_precision_loss)] // A double is what the attribute is.
    fn from_unsigned(number: u64) -> Option<Self> {
        Some(number as Self)
    }

    #[allow(clippy::cast_precision_loss)] // A double is what the attribute is.
    fn from_signed(number: i64) -> Option<Self> {
        Some(number as Self)
    }

    fn from_float(number: f64) -> Option<Self> {
        Some(number)
    }
}

impl<'de, T: Scalar> Deserialize<'de> for Number<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_any(NumberVisitor(PhantomData))
            .map(Number)
    }
}

struct NumberVisitor<T>(PhantomData<T>);

impl<T: Scalar> NumberVisitor<T> {
    fn or<E: Error>(found: Option<T>, text: impl fmt::Display) -> Result<T, E> {
        found.ok_or_else(|| E::custom(format_args!("{text} is not {}", T::WHAT)))
    }
}

impl<T: Scalar> Visitor<'_> for NumberVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, as a number or in a string", T::WHAT)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        Self::or(T::from_unsigned(number), number)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        Self::or(T::from_signed(number), number)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        Self::or(T::from_float(number), number)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        Self::or(text.parse().ok(), format_args!("{text:?}"))
    }
}

/// An enum's value, by number or by name.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Code {
    Number(i64),
    Name(String),
}

impl Default for Code {
    fn default() -> Self {
        Self::Number(0)
    }
}

/// Bytes in base64.
#[derive(Debug)]
pub(super) struct Base64(pub(super) Vec<u8>);

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD
            .decode(&text)
            .map(Self)
            .map_err(|error| D::Error::custom(format_args!("{text:?} is not base64: {error}")))
    }
}
