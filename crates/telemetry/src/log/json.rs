//! JSON without characters that a terminal interprets: log lines are also read with
//! `kubectl logs`.

use std::io::{Result, Write};

use serde_json::ser::Formatter;

use super::fields::is_unsafe;

/// Compact JSON. `serde_json` escapes the control characters of ASCII up to 0x1f;
/// this escapes the other ones, too.
pub(super) struct TerminalSafe;

impl Formatter for TerminalSafe {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> Result<()>
    where
        W: ?Sized + Write,
    {
        if fragment.bytes().all(|byte| byte < 0x7f) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut safe = fragment;
        while let Some((at, character)) = safe.char_indices().find(|(_, it)| is_unsafe(*it)) {
            writer.write_all(&safe.as_bytes()[..at])?;
            // All of them are in the Basic Multilingual Plane: one escape each.
            write!(writer, "\\u{:04x}", u32::from(character))?;
            safe = &safe[at + character.len_utf8()..];
        }
        writer.write_all(safe.as_bytes())
    }
}
