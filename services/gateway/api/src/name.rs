//! Which names a visitor may have.

use std::fmt;
use std::str::FromStr;

/// A visitor's name: 1 to 64 characters, without control characters, without
/// spaces around it, and not `.` or `..`, which no URL can carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisitorName(String);

/// Why a text is no [`VisitorName`]. The text is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing, or spaces alone.
    #[error("a visitor needs a name")]
    Empty,
    /// Longer than [`VisitorName::LONGEST`].
    #[error("a visitor's name has at most {} characters", VisitorName::LONGEST)]
    TooLong,
    /// A line break, a tab, or another character that is not to be seen.
    #[error("a visitor's name has no control characters")]
    Control,
    /// `.` or `..`.
    #[error("a visitor's name is more than dots")]
    Dots,
    /// Percent-encoded bytes that are no UTF-8.
    #[error("a visitor's name is percent-encoded UTF-8")]
    NotUtf8,
}

impl VisitorName {
    /// The most characters (Unicode scalar values) that a name has.
    pub const LONGEST: usize = 64;

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
        } else if name.chars().nth(Self::LONGEST).is_some() {
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

/// Control characters, line and paragraph separators, and the marks that turn
/// the direction of the text around them: a name must not disguise a log line.
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
    fn names_of_every_script_are_names() {
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
    fn spaces_around_a_name_are_no_part_of_it() {
        assert_eq!(parsed("  Ada Lovelace "), Ok("Ada Lovelace".to_owned()));
    }

    #[test]
    fn what_is_no_name_is_refused_with_the_reason() {
        assert_eq!(parsed(""), Err(NameError::Empty));
        assert_eq!(parsed(" \u{3000}"), Err(NameError::Empty));
        assert_eq!(parsed("a\nb"), Err(NameError::Control));
        assert_eq!(parsed("a\0b"), Err(NameError::Control));
        assert_eq!(parsed("a\u{202e}b"), Err(NameError::Control));
        assert_eq!(parsed(".."), Err(NameError::Dots));
    }

    #[test]
    fn length_is_counted_in_characters() {
        assert!(parsed(&"é".repeat(VisitorName::LONGEST)).is_ok());
        assert_eq!(
            parsed(&"é".repeat(VisitorName::LONGEST + 1)),
            Err(NameError::TooLong)
        );
    }
}
