//! Valid names of visitors.

use std::fmt;
use std::str::FromStr;

/// A visitor's name: 1 to 64 characters without control characters. Spaces at
/// both ends are removed. `.` and `..` are invalid, because a URL path cannot
/// contain them as a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisitorName(String);

/// Why a text is not a valid [`VisitorName`]. The message does not repeat the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Empty, or only spaces.
    #[error("the visitor's name is empty")]
    Empty,
    /// Longer than [`VisitorName::MAX_CHARS`].
    #[error(
        "the visitor's name is longer than {} characters",
        VisitorName::MAX_CHARS
    )]
    TooLong,
    /// A line break, a tab, or another invisible character.
    #[error("the visitor's name contains control characters")]
    Control,
    /// `.` or `..`.
    #[error("the visitor's name must not be . or ..")]
    Dots,
    /// Percent-encoded bytes that are not valid UTF-8.
    #[error("the visitor's name is not valid percent-encoded UTF-8")]
    NotUtf8,
}

impl VisitorName {
    /// The maximum length in characters (Unicode scalar values).
    pub const MAX_CHARS: usize = 64;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for VisitorName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let name = text.trim();
        if name.is_empty() {
            Err(NameError::Empty)
        } else if name.chars().nth(Self::MAX_CHARS).is_some() {
            Err(NameError::TooLong)
        } else if name.chars().any(is_control) {
            Err(NameError::Control)
        } else if name == "." || name == ".." {
            Err(NameError::Dots)
        } else {
            Ok(Self(name.to_owned()))
        }
    }
}

/// Control characters, line and paragraph separators, and marks that change the
/// direction of text: a name must not be able to forge or hide part of a log line.
fn is_control(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

impl fmt::Display for VisitorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<String, NameError> {
        text.parse::<VisitorName>().map(|name| name.to_string())
    }

    #[test]
    fn names_of_every_script_are_valid() {
        for name in [
            "World",
            "Jürgen",
            "李雷",
            "O'Neil / Sons",
            "<b>",
            "🦀",
            "...",
        ] {
            assert_eq!(parsed(name), Ok(name.to_owned()));
        }
    }

    #[test]
    fn spaces_at_both_ends_are_removed() {
        assert_eq!(parsed("  Ada Lovelace "), Ok("Ada Lovelace".to_owned()));
    }

    #[test]
    fn invalid_names_are_rejected_with_the_reason() {
        assert_eq!(parsed(""), Err(NameError::Empty));
        assert_eq!(parsed(" \u{3000}"), Err(NameError::Empty));
        assert_eq!(parsed("a\nb"), Err(NameError::Control));
        assert_eq!(parsed("a\0b"), Err(NameError::Control));
        assert_eq!(parsed("a\u{202e}b"), Err(NameError::Control));
        assert_eq!(parsed(".."), Err(NameError::Dots));
    }

    #[test]
    fn length_is_counted_in_characters() {
        assert!(parsed(&"é".repeat(VisitorName::MAX_CHARS)).is_ok());
        assert_eq!(
            parsed(&"é".repeat(VisitorName::MAX_CHARS + 1)),
            Err(NameError::TooLong)
        );
    }
}
