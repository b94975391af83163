//! Trace and span ids: fixed-size bytes, written as lower-case hex.

use std::fmt;
use std::str::FromStr;

/// A string that is not a valid id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {kind}: expected {digits} hex digits, not all zero")]
pub struct IdError {
    kind: &'static str,
    digits: usize,
    text: String,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $number:ty, $len:literal, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// Creates an id; `None` if the bytes are all zero, which is invalid.
            pub fn from_bytes(bytes: [u8; $len]) -> Option<Self> {
                (bytes != [0; $len]).then_some(Self(bytes))
            }

            /// Creates an id; `None` if `bytes` has another length or is all zero.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                Self::from_bytes(bytes.try_into().ok()?)
            }

            /// The bytes of the id.
            pub fn to_bytes(self) -> [u8; $len] {
                self.0
            }

            /// A random id.
            pub fn random() -> Self {
                loop {
                    let mut bytes = [0; $len];
                    getrandom::fill(&mut bytes).expect("the operating system provides random numbers");
                    if let Some(id) = Self::from_bytes(bytes) {
                        return id;
                    }
                }
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
                let number = <$number>::from_str_radix(text, 16).ok();
                number
                    .filter(|_| is_hex && text.len() == 2 * $len)
                    .and_then(|number| Self::from_bytes(number.to_be_bytes()))
                    .ok_or_else(|| IdError {
                        kind: $kind,
                        digits: 2 * $len,
                        text: text.to_owned(),
                    })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let number = <$number>::from_be_bytes(self.0);
                write!(f, "{number:0width$x}", width = 2 * $len)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

id! {
    /// The id that all spans of a trace share: 16 bytes, never all zero.
    TraceId, u128, 16, "trace id"
}

id! {
    /// The id of a span within its trace: 8 bytes, never all zero.
    SpanId, u64, 8, "span id"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_equals_its_hex_form() {
        let text = "4bf92f3577b34da6a3ce929d0e0e4736";
        let id: TraceId = text.parse().expect("a trace id");
        assert_eq!(id.to_string(), text);
        assert_eq!(
            id,
            text.to_uppercase().parse().expect("upper case is valid")
        );
    }

    #[test]
    fn invalid_ids_are_rejected() {
        for text in [
            "",
            "00f067aa0ba902b",
            "0000000000000000",
            "00f067aa0ba902bg",
            "+0f067aa0ba902b7",
        ] {
            let error = text.parse::<SpanId>().expect_err(text).to_string();
            assert!(error.contains("16 hex digits"), "{error}");
        }
    }

    #[test]
    fn random_ids_differ() {
        assert_ne!(TraceId::random(), TraceId::random());
    }
}
