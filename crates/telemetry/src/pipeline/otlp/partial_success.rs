//! The body of a successful response: `ExportTraceServiceResponse`.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use serde_json::{Map, Value};

use crate::pipeline::export_result::ExportResult;

/// Reads an encoded `ExportTraceServiceResponse`; `None` if it is not one.
pub(super) fn from_protobuf(body: &[u8]) -> Option<ExportResult> {
    let response = ExportTraceServiceResponse::decode(body).ok()?;
    Some(accepted(&response))
}

/// The result that a response states. A negative number of rejected spans is
/// invalid, and counts as zero.
pub(super) fn accepted(response: &ExportTraceServiceResponse) -> ExportResult {
    let partial = response.partial_success.as_ref();
    let rejected = partial.map_or(0, |partial| partial.rejected_spans);
    ExportResult::Accepted {
        rejected: u64::try_from(rejected).unwrap_or(0),
        has_message: partial.is_some_and(|partial| !partial.error_message.is_empty()),
    }
}

/// Reads OTLP/JSON; `None` if it is not that. Unlike in other messages, unknown
/// fields are not ignored if there is no `partialSuccess`: every JSON object
/// would be a success, such as that of the Collector's health port.
pub(super) fn from_json(body: &[u8]) -> Option<ExportResult> {
    let fields: Map<String, Value> = serde_json::from_slice(body).ok()?;
    let partial = match field(&fields, ["partialSuccess", "partial_success"]) {
        Some(Value::Object(partial)) => partial,
        Some(Value::Null) => &Map::new(),
        None if fields.is_empty() => &Map::new(),
        Some(_) | None => return None,
    };
    let rejected = match field(partial, ["rejectedSpans", "rejected_spans"]) {
        Some(value) => int64(value)?,
        None => 0,
    };
    let has_message = match field(partial, ["errorMessage", "error_message"]) {
        Some(Value::String(message)) => !message.is_empty(),
        Some(Value::Null) | None => false,
        Some(_) => return None,
    };
    Some(ExportResult::Accepted {
        rejected: u64::try_from(rejected).unwrap_or(0),
        has_message,
    })
}

/// A field by its JSON name, or by the original name that some servers send.
fn field<'a>(fields: &'a Map<String, Value>, names: [&str; 2]) -> Option<&'a Value> {
    names.into_iter().find_map(|name| fields.get(name))
}

/// An `int64` of protobuf's JSON: a number, or a string of its digits.
fn int64(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        Value::Null => Some(0),
        _ => None,
    }
}
