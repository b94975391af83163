//! Ids of Jaeger and Zipkin: hex, which may lack leading zeros. Trace ids may have 64
//! bits.

use crate::ids::{SpanId, TraceId};

const TRACE_ID_DIGITS: usize = 32;
const SPAN_ID_DIGITS: usize = 16;

pub(super) fn trace_id(text: &str, field: &str, span: &str) -> Result<TraceId, String> {
    let id = padded(text, TRACE_ID_DIGITS).and_then(|text| text.parse().ok());
    id.ok_or_else(|| invalid(text, field, span, TRACE_ID_DIGITS))
}

pub(super) fn span_id(text: &str, field: &str, span: &str) -> Result<SpanId, String> {
    let id = padded(text, SPAN_ID_DIGITS).and_then(|text| text.parse().ok());
    id.ok_or_else(|| invalid(text, field, span, SPAN_ID_DIGITS))
}

/// Whether an id is empty or zero, which both mean that the id is not set.
pub(super) fn is_absent(text: &str) -> bool {
    text.bytes().all(|digit| digit == b'0')
}

fn padded(text: &str, digits: usize) -> Option<String> {
    let is_valid = text.bytes().all(|digit| digit.is_ascii_hexdigit()) && text.len() <= digits;
    is_valid.then(|| format!("{text:0>digits$}"))
}

fn invalid(text: &str, field: &str, span: &str, digits: usize) -> String {
    format!(
        "span {span:?} has an invalid {field}: {text:?} (expected up to {digits} hex digits, not all zero)"
    )
}
