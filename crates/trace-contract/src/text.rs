//! Text for people: control characters escaped, long texts truncated, plurals.

use std::borrow::Cow;

/// The text with its control characters escaped, so that a name from a trace can
/// neither start a new line nor change the state of the terminal.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().any(char::is_control) {
        Cow::Owned(text.escape_debug().to_string())
    } else {
        Cow::Borrowed(text)
    }
}

/// The text, or its beginning and an ellipsis if it has more than `max_chars`.
pub(crate) fn truncate(text: &str, max_chars: usize) -> String {
    if text.chars().count() <= max_chars {
        return text.to_owned();
    }
    let mut start: String = text.chars().take(max_chars.saturating_sub(1)).collect();
    start.push('…');
    start
}

/// `1 span`, `2 spans`.
pub(crate) fn plural(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}
