//! Trace and span ids: fixed bytes, written as lower-case hex.

use std::fmt;
use std::str::FromStr;

/// What is wrong with an id that was read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {what}: it must be {digits} hex digits, not all zero")]
pub struct IdError {
    what: &'static str,
    digits: usize,
    text: String,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $len:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// The id made of `bytes`; `None` when they are all zero, which is no id.
            pub fn from_bytes(bytes: [u8; $len]) -> Option<Self> {
                (bytes != [0; $len]).then_some(Self(bytes))
            }

            /// The id in `bytes`, if they have the right length and are not all zero.
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
                    getrandom::fill(&mut bytes).expect("the system has random numbers");
                    if let Some(id) = Self::from_bytes(bytes) {
                        return id;
                    }
                }
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                decode_hex(text)
                    .and_then(Self::from_bytes)
                    .ok_or_else(|| IdError {
                        what: $what,
                        digits: 2 * $len,
                        text: text.to_owned(),
                    })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
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
    TraceId, 16, "trace id"
}

id! {
    /// The id of one span in its trace: 8 bytes, never all zero.
    SpanId, 8, "span id"
}

fn decode_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = hex_digit(pair[0])? << 4 | hex_digit(pair[1])?;
    }
    Some(bytes)
}

fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_written() {
        let text = "4bf92f3577b34da6a3ce929d0e0e4736";
        let id: TraceId = text.parse().expect("a trace id");
        assert_eq!(id.to_string(), text);
        assert_eq!(id, text.to_uppercase().parse().expect("upper case is read"));
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in [
            "",
            "00f067aa0ba902b",
            "0000000000000000",
            "00f067aa0ba902bg",
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
