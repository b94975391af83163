//! Reads the traces of files and responses in every common format, which is detected from
//! the content:
//!
//! | format | what it loses |
//! |---|---|
//! | OTLP in protobuf or JSON; Tempo's JSON | nothing |
//! | Jaeger's `/api/v3` | the order of events with equal times |
//! | Jaeger's JSON (`data`) | nanoseconds; lists, maps and bytes are strings; attributes of scopes and links |
//! | Zipkin v2 JSON | nanoseconds; all attributes are strings, also those of the resource; links, `tracestate` |
//!
//! All of them may be compressed with gzip or zstd, and be text in UTF-16. JSON may
//! consist of several documents, as the Collector's file exporter writes them.

mod binary;
mod decode;
mod documents;
mod error;
mod ids;
mod jaeger;
mod shape;
mod tags;
mod unsupported;
mod zipkin;

pub use error::FormatError;

use crate::model::Span;
use crate::otlp;
use documents::Document;
use shape::Shape;

/// The prefix of attributes that Jaeger adds, such as warnings about clocks.
const JAEGER_ATTRIBUTES: &str = "@jaeger@";

/// The content of a file or a response.
#[derive(Debug)]
pub struct Contents {
    /// The spans, in the order of the file.
    pub spans: Vec<Span>,
    /// The name of the format, such as `Zipkin v2 JSON`.
    pub format: &'static str,
    /// What was not read, and why.
    pub warnings: Vec<String>,
}

/// A format of JSON documents.
struct Format {
    name: &'static str,
    matches: fn(&Shape) -> bool,
    parse: fn(&[u8]) -> Result<Vec<Span>, serde_json::Error>,
}

const PROTOBUF: &str = "OTLP in protobuf";
const FORMATS: [Format; 3] = [
    Format {
        name: "OTLP in JSON",
        matches: |it| {
            let groups = ["resourceSpans", "resource_spans", "batches"];
            let is_otlp = |shape: &Shape| shape.has_any(&groups);
            let wrapped = ["result", "trace"].map(|key| it.get(key).is_some_and(is_otlp));
            is_otlp(it) || wrapped.contains(&true) || *it == Shape::default()
        },
        parse: otlp::parse_json,
    },
    Format {
        name: "Jaeger JSON",
        matches: jaeger::matches,
        parse: jaeger::parse,
    },
    Format {
        name: "Zipkin v2 JSON",
        matches: zipkin::matches,
        parse: zipkin::parse,
    },
];

/// Reads spans in any supported format, of at most `limit` bytes when decompressed.
///
/// # Errors
/// When the bytes are not trace data in a supported format; the error states what they
/// look like.
pub fn read(bytes: &[u8], limit: u64) -> Result<Contents, FormatError> {
    let bytes = decode::utf8(decode::decompress(bytes, limit)?);
    let is_text = decode::is_text(&bytes);
    let mut contents = match bytes.trim_ascii_start().first() {
        None => return Err(FormatError::Empty),
        Some(b'{' | b'[') if is_text || bytes[0] != binary::RESOURCE_SPANS => read_json(&bytes)?,
        _ => match binary::messages(&bytes) {
            Some((messages, truncated)) => read_messages(&messages, truncated, limit)?,
            None if bytes[0] == binary::RESOURCE_SPANS && !is_text => Contents {
                spans: binary::parse(&bytes, 0)?,
                format: PROTOBUF,
                warnings: Vec::new(),
            },
            None => return Err(unsupported::other(&bytes, is_text)),
        },
    };
    contents.spans.iter_mut().for_each(remove_additions);
    Ok(contents)
}

fn read_json(bytes: &[u8]) -> Result<Contents, FormatError> {
    let (documents, truncated) = documents::split(bytes)?;
    let mut contents = Contents {
        spans: Vec::new(),
        format: FORMATS[0].name,
        warnings: Vec::new(),
    };
    let mut skipped = 0;
    for document in &documents {
        let shape = Shape::of(document.bytes);
        if documents.len() > 1 && unsupported::is_other_signal(&shape) {
            skipped += 1;
            continue;
        }
        let (format, spans) = parse(document, &shape)?;
        contents.format = format;
        contents.spans.extend(spans);
    }
    if skipped > 0 {
        let warning = format!("skipped {skipped} documents with logs, metrics or profiles");
        contents.warnings.push(warning);
    }
    if let Some(line) = truncated {
        let warning = format!("line {line}, the last, is incomplete: its spans are missing");
        contents.warnings.push(warning);
    }
    Ok(contents)
}

fn parse(document: &Document<'_>, shape: &Shape) -> Result<(&'static str, Vec<Span>), FormatError> {
    if let Some(message) = jaeger::error_message(document.bytes, shape) {
        return Err(FormatError::NoTrace(message));
    }
    let format = FORMATS.iter().find(|format| (format.matches)(shape));
    let format = format.ok_or_else(|| unsupported::json(shape))?;
    let spans = (format.parse)(document.bytes);
    Ok((
        format.name,
        spans.map_err(|error| document.error(format.name, &error))?,
    ))
}

/// Reads messages that may be compressed one by one.
fn read_messages(
    messages: &[binary::Message<'_>],
    truncated: bool,
    limit: u64,
) -> Result<Contents, FormatError> {
    let mut contents = Contents {
        spans: Vec::new(),
        format: PROTOBUF,
        warnings: Vec::new(),
    };
    let mut room = limit;
    for (offset, message) in messages {
        let message = decode::decompress(message, room)?;
        room -= message.len() as u64;
        if message.first() == Some(&b'{') {
            let more = read_json(&message)?;
            contents.format = more.format;
            contents.spans.extend(more.spans);
        } else {
            contents.spans.extend(binary::parse(&message, *offset)?);
        }
    }
    if truncated {
        let warning = "the last message is incomplete: its spans are missing".to_owned();
        contents.warnings.push(warning);
    }
    Ok(contents)
}

/// Removes what Jaeger adds, so that every source returns the same trace.
pub(crate) fn remove_additions(span: &mut Span) {
    span.attributes
        .retain(|key, _| !key.starts_with(JAEGER_ATTRIBUTES));
    // Jaeger returns events in the order of their names.
    span.events.sort_by_key(|event| event.time);
}
