//! The text of a log line's fields: limited in length, and without characters that
//! a terminal interprets. A peer can choose some of them, such as a path.

use std::fmt::{self, Debug, Display, Write};

use serde::ser::{Serialize, SerializeMap, Serializer};
use tracing::field::{Field, Visit};
use tracing_subscriber::fmt::format::Writer;

/// The maximum length of a field's text, in characters.
const MAX_LENGTH: usize = 1024;
/// The same for a stack trace, which no peer chooses.
const MAX_STACK_TRACE: usize = 16 * 1024;
/// Ends a text that was longer.
const TRUNCATED: &str = "…[truncated]";

/// Whether a terminal may interpret the character instead of showing it: control
/// characters, and those that change the direction of text or end a line.
pub(super) fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

/// Adds the fields of an event to a JSON object.
pub(super) struct JsonFields<'a, M: SerializeMap> {
    map: &'a mut M,
    result: Result<(), M::Error>,
}

impl<'a, M: SerializeMap> JsonFields<'a, M> {
    pub(super) fn new(map: &'a mut M) -> Self {
        Self {
            map,
            result: Ok(()),
        }
    }

    /// The first error.
    pub(super) fn finish(self) -> Result<(), M::Error> {
        self.result
    }

    fn add(&mut self, field: &Field, value: &(impl Serialize + ?Sized)) {
        if self.result.is_ok() {
            self.result = self.map.serialize_entry(field.name(), value);
        }
    }
}

impl<M: SerializeMap> Visit for JsonFields<'_, M> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, &value);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.add(field, &value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.add(field, &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, &value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        // As many bytes are not more characters.
        if value.len() <= MAX_LENGTH {
            self.add(field, value);
        } else {
            self.add(field, &Limited(&format_args!("{value}"), limit(field)));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, &Limited(value, limit(field)));
    }
}

/// Writes a field for a terminal: first the message, without its name, then each
/// other one after a space.
pub(super) fn terminal(writer: &mut Writer<'_>, field: &Field, value: &dyn Debug) -> fmt::Result {
    let name = field.name();
    // `tracing-log` has put the metadata of a line of the `log` crate into fields.
    if name.starts_with("log.") {
        return Ok(());
    }
    if name != "message" {
        let (italic, dim, reset) = if writer.has_ansi_escapes() {
            ("\x1b[3m", "\x1b[2m", "\x1b[0m")
        } else {
            ("", "", "")
        };
        write!(writer, " {italic}{name}{reset}{dim}={reset}")?;
    }
    write!(Escaped(writer), "{}", Limited(value, limit(field)))
}

fn limit(field: &Field) -> usize {
    match field.name() {
        "exception.stacktrace" => MAX_STACK_TRACE,
        _ => MAX_LENGTH,
    }
}

/// The text of a value, up to a number of characters.
pub(super) struct Limited<'a>(&'a dyn Debug, usize);

impl<'a> Limited<'a> {
    /// The text of a message.
    pub(super) fn message(value: &'a dyn Debug) -> Self {
        Self(value, MAX_LENGTH)
    }
}

impl Display for Limited<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut writer = LimitedWriter {
            inner: f,
            left: self.1,
            is_full: false,
        };
        let result = write!(writer, "{:?}", self.0);
        if writer.is_full {
            return f.write_str(TRUNCATED);
        }
        result
    }
}

impl Serialize for Limited<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Writes up to a number of characters; then it fails, so that the rest of a long
/// value is not even formatted.
struct LimitedWriter<'a, 'b> {
    inner: &'a mut fmt::Formatter<'b>,
    left: usize,
    is_full: bool,
}

impl Write for LimitedWriter<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.len() <= self.left {
            self.left -= text.chars().count();
            return self.inner.write_str(text);
        }
        match text.char_indices().nth(self.left) {
            None => {
                self.left -= text.chars().count();
                self.inner.write_str(text)
            }
            Some((end, _)) => {
                self.is_full = true;
                self.left = 0;
                self.inner.write_str(&text[..end])?;
                Err(fmt::Error)
            }
        }
    }
}

/// Escapes the characters that a terminal may interpret.
struct Escaped<'a, 'b>(&'a mut Writer<'b>);

impl Write for Escaped<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut safe = text;
        while let Some((at, character)) = safe.char_indices().find(|(_, it)| is_unsafe(*it)) {
            self.0.write_str(&safe[..at])?;
            write!(self.0, "{}", character.escape_default())?;
            safe = &safe[at + character.len_utf8()..];
        }
        self.0.write_str(safe)
    }
}
