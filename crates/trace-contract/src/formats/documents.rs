//! Splits data into JSON documents: one document, or one per line.

use serde::de::IgnoredAny;

use super::error::FormatError;

/// A document, and where it starts.
pub(super) struct Document<'a> {
    pub(super) bytes: &'a [u8],
    line: usize,
    column: usize,
}

/// The documents. The last may be incomplete, because its program was stopped: then the
/// number of its line is also returned.
pub(super) fn split(bytes: &[u8]) -> Result<(Vec<Document<'_>>, Option<usize>), FormatError> {
    let mut documents = Vec::new();
    let mut stream = serde_json::Deserializer::from_slice(bytes).into_iter::<IgnoredAny>();
    let (mut line, mut column, mut position) = (1, 1, 0);
    loop {
        let rest = &bytes[stream.byte_offset()..];
        let start = bytes.len() - rest.trim_ascii_start().len();
        let skipped = &bytes[position..start];
        let newlines = skipped.split(|byte| *byte == b'\n').count() - 1;
        match skipped.iter().rposition(|byte| *byte == b'\n') {
            Some(last) => column = skipped.len() - last,
            None => column += skipped.len(),
        }
        (line, position) = (line + newlines, start);
        match stream.next() {
            None => return Ok((documents, None)),
            Some(Ok(_)) => documents.push(Document {
                bytes: &bytes[start..stream.byte_offset()],
                line,
                column,
            }),
            Some(Err(_)) if !documents.is_empty() && is_last_line(&bytes[start..]) => {
                return Ok((documents, Some(line)));
            }
            Some(Err(error)) if error.is_eof() => {
                let (line, column) = (error.line(), error.column());
                return Err(FormatError::Truncated { line, column });
            }
            Some(Err(error)) => return Err(at("JSON", 1, 1, &error)),
        }
    }
}

fn is_last_line(rest: &[u8]) -> bool {
    !rest.trim_ascii().contains(&b'\n')
}

impl Document<'_> {
    /// An error in this document, with its position in the file.
    pub(super) fn error(&self, format: &'static str, error: &serde_json::Error) -> FormatError {
        at(format, self.line, self.column, error)
    }
}

fn at(format: &'static str, line: usize, column: usize, error: &serde_json::Error) -> FormatError {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    FormatError::Json {
        format,
        line: line + error.line().saturating_sub(1),
        column: match error.line() {
            0 => column,
            1 => column + error.column().saturating_sub(1),
            _ => error.column(),
        },
        cause: text.strip_suffix(&position).unwrap_or(&text).to_owned(),
    }
}
