//! `OTEL_TRACES_EXPORTER=console`: each span as one line of JSON on standard output, for debugging.

use std::fmt::Write as _;
use std::io::Write as _;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::{Map, Value, json};

use super::sink::Outcome;

/// Prints the spans of an encoded request.
pub(super) fn print(body: &[u8]) -> Outcome {
    let request = match ExportTraceServiceRequest::decode(body) {
        Ok(request) => request,
        Err(error) => return Outcome::Refused(error.to_string()),
    };
    let mut out = std::io::stdout().lock();
    for span in request
        .resource_spans
        .iter()
        .flat_map(|of| &of.scope_spans)
        .flat_map(|of| &of.spans)
    {
        if writeln!(out, "{}", line(span)).is_err() {
            return Outcome::Refused("standard output is closed".to_owned());
        }
    }
    Outcome::Accepted { rejected: 0 }
}

fn line(span: &Span) -> Value {
    let events: Vec<_> = span
        .events
        .iter()
        .map(|event| json!({"name": event.name, "attributes": attributes(&event.attributes)}))
        .collect();
    json!({
        "trace_id": hex(&span.trace_id),
        "span_id": hex(&span.span_id),
        "parent_span_id": hex(&span.parent_span_id),
        "kind": span.kind().as_str_name(),
        "name": span.name,
        "start_time_unix_nano": span.start_time_unix_nano,
        "end_time_unix_nano": span.end_time_unix_nano,
        "status": span.status.as_ref().map(|status| status.code().as_str_name()),
        "attributes": attributes(&span.attributes),
        "events": events,
    })
}

fn attributes(attributes: &[KeyValue]) -> Map<String, Value> {
    attributes
        .iter()
        .map(|attribute| (attribute.key.clone(), value(attribute.value.as_ref())))
        .collect()
}

fn value(value: Option<&AnyValue>) -> Value {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Any::StringValue(text)) => json!(text),
        Some(Any::BoolValue(value)) => json!(value),
        Some(Any::IntValue(value)) => json!(value),
        Some(Any::DoubleValue(value)) => json!(value),
        Some(Any::ArrayValue(array)) => array
            .values
            .iter()
            .map(|one| self::value(Some(one)))
            .collect(),
        // Spans hold no other kinds.
        _ => Value::Null,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes everything");
        text
    })
}
