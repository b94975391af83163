//! OTLP in JSON: as the specification has it, and as Jaeger's `/api/v3` answers,
//! which wraps it in `result` and writes numbers and names of enums as it likes.

use std::sync::Arc;

use serde::Deserialize;

use super::OtlpError;
use super::lenient::{Base64, Code, Number};
use crate::ids::{SpanId, TraceId};
use crate::model::{Attributes, Event, Link, Scope, Span, SpanKind, Status, Value};

/// The spans of one or several JSON documents with `resourceSpans`, at the top
/// or in `result`.
///
/// # Errors
/// When the bytes are not such JSON, or a span has an id that is none.
pub fn from_json(bytes: &[u8]) -> Result<Vec<Span>, OtlpError> {
    let mut spans = Vec::new();
    for document in serde_json::Deserializer::from_slice(bytes).into_iter::<Document>() {
        let document = document?;
        let groups = document
            .resource_spans
            .or(document.result.and_then(|result| result.resource_spans));
        for group in groups.unwrap_or_default() {
            read_group(group, &mut spans)?;
        }
    }
    Ok(spans)
}

fn read_group(group: ResourceSpans, spans: &mut Vec<Span>) -> Result<(), OtlpError> {
    let resource = Arc::new(attributes(group.resource.attributes));
    for group in group.scope_spans {
        let scope = Arc::new(Scope {
            name: group.scope.name,
            version: group.scope.version,
            attributes: attributes(group.scope.attributes),
        });
        for found in group.spans {
            spans.push(span(found, Arc::clone(&resource), Arc::clone(&scope))?);
        }
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    resource_spans: Option<Vec<ResourceSpans>>,
    result: Option<DocumentResult>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DocumentResult {
    resource_spans: Option<Vec<ResourceSpans>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans {
    #[serde(default)]
    resource: JsonScope,
    #[serde(default)]
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Deserialize)]
struct ScopeSpans {
    #[serde(default)]
    scope: JsonScope,
    #[serde(default)]
    spans: Vec<JsonSpan>,
}

/// A scope; a resource has its attributes only.
#[derive(Default, Deserialize)]
#[serde(default)]
struct JsonScope {
    name: String,
    version: String,
    attributes: Vec<KeyValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonSpan {
    trace_id: String,
    span_id: String,
    #[serde(default)]
    parent_span_id: String,
    #[serde(default)]
    trace_state: String,
    #[serde(default)]
    flags: Number<u32>,
    #[serde(default)]
    name: String,
    #[serde(default)]
    kind: Code,
    #[serde(default)]
    start_time_unix_nano: Number<u64>,
    #[serde(default)]
    end_time_unix_nano: Number<u64>,
    #[serde(default)]
    attributes: Vec<KeyValue>,
    #[serde(default)]
    events: Vec<JsonEvent>,
    #[serde(default)]
    links: Vec<JsonLink>,
    #[serde(default)]
    status: JsonStatus,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonEvent {
    #[serde(default)]
    time_unix_nano: Number<u64>,
    #[serde(default)]
    name: String,
    #[serde(default)]
    attributes: Vec<KeyValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonLink {
    trace_id: String,
    span_id: String,
    #[serde(default)]
    trace_state: String,
    #[serde(default)]
    attributes: Vec<KeyValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct JsonStatus {
    code: Code,
    message: String,
}

#[derive(Deserialize)]
struct KeyValue {
    key: String,
    #[serde(default)]
    value: AnyValue,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(clippy::struct_field_names)] // OTLP's own names.
struct AnyValue {
    string_value: Option<String>,
    bool_value: Option<bool>,
    int_value: Option<Number<i64>>,
    double_value: Option<Number<f64>>,
    bytes_value: Option<Base64>,
    array_value: Option<ArrayValue>,
    kvlist_value: Option<KvlistValue>,
}

#[derive(Deserialize)]
struct ArrayValue {
    #[serde(default)]
    values: Vec<AnyValue>,
}

#[derive(Deserialize)]
struct KvlistValue {
    #[serde(default)]
    values: Vec<KeyValue>,
}

fn span(found: JsonSpan, resource: Arc<Attributes>, scope: Arc<Scope>) -> Result<Span, OtlpError> {
    let name = &found.name;
    Ok(Span {
        trace_id: trace_id(&found.trace_id, name)?,
        span_id: span_id(&found.span_id, name, "span id")?,
        parent: parent(&found.parent_span_id, name)?,
        trace_state: found.trace_state,
        flags: found.flags.0,
        kind: kind(&found.kind),
        start: found.start_time_unix_nano.0,
        end: found.end_time_unix_nano.0,
        status: status(found.status),
        attributes: attributes(found.attributes),
        events: found.events.into_iter().map(event).collect(),
        links: found
            .links
            .into_iter()
            .map(|found| link(found, name))
            .collect::<Result<_, _>>()?,
        resource,
        scope,
        name: found.name,
    })
}

fn trace_id(text: &str, span: &str) -> Result<TraceId, OtlpError> {
    text.parse().map_err(|_| bad_id(text, span, "trace id", 16))
}

fn span_id(text: &str, span: &str, what: &'static str) -> Result<SpanId, OtlpError> {
    text.parse().map_err(|_| bad_id(text, span, what, 8))
}

/// A parent that is absent may also be written as zeros.
fn parent(text: &str, span: &str) -> Result<Option<SpanId>, OtlpError> {
    if text.bytes().all(|digit| digit == b'0') {
        return Ok(None);
    }
    span_id(text, span, "parent span id").map(Some)
}

fn bad_id(found: &str, span: &str, what: &'static str, bytes: usize) -> OtlpError {
    OtlpError::Id {
        span: span.to_owned(),
        what,
        found: format!("{found:?}, which is not its hex form"),
        bytes,
    }
}

fn kind(code: &Code) -> SpanKind {
    match code {
        Code::Number(1) => SpanKind::Internal,
        Code::Number(2) => SpanKind::Server,
        Code::Number(3) => SpanKind::Client,
        Code::Number(4) => SpanKind::Producer,
        Code::Number(5) => SpanKind::Consumer,
        Code::Number(_) => SpanKind::Unspecified,
        Code::Name(name) => match name.strip_prefix("SPAN_KIND_").unwrap_or(name) {
            "INTERNAL" => SpanKind::Internal,
            "SERVER" => SpanKind::Server,
            "CLIENT" => SpanKind::Client,
            "PRODUCER" => SpanKind::Producer,
            "CONSUMER" => SpanKind::Consumer,
            _ => SpanKind::Unspecified,
        },
    }
}

fn status(found: JsonStatus) -> Status {
    let name = match &found.code {
        Code::Number(1) => "OK",
        Code::Number(2) => "ERROR",
        Code::Number(_) => "UNSET",
        Code::Name(name) => name.strip_prefix("STATUS_CODE_").unwrap_or(name),
    };
    match name {
        "OK" => Status::Ok,
        "ERROR" => Status::Error {
            message: found.message,
        },
        _ => Status::Unset,
    }
}

fn event(found: JsonEvent) -> Event {
    Event {
        time: found.time_unix_nano.0,
        name: found.name,
        attributes: attributes(found.attributes),
    }
}

fn link(found: JsonLink, span: &str) -> Result<Link, OtlpError> {
    Ok(Link {
        trace_id: trace_id(&found.trace_id, span)?,
        span_id: span_id(&found.span_id, span, "span id of a link")?,
        trace_state: found.trace_state,
        attributes: attributes(found.attributes),
    })
}

fn attributes(found: Vec<KeyValue>) -> Attributes {
    found
        .into_iter()
        .map(|pair| (pair.key, value(pair.value)))
        .collect()
}

fn value(found: AnyValue) -> Value {
    if let Some(text) = found.string_value {
        Value::String(text)
    } else if let Some(value) = found.bool_value {
        Value::Bool(value)
    } else if let Some(number) = found.int_value {
        Value::Int(number.0)
    } else if let Some(number) = found.double_value {
        Value::Double(number.0)
    } else if let Some(bytes) = found.bytes_value {
        Value::Bytes(bytes.0)
    } else if let Some(list) = found.array_value {
        Value::Array(list.values.into_iter().map(value).collect())
    } else if let Some(list) = found.kvlist_value {
        Value::Map(attributes(list.values))
    } else {
        Value::Empty
    }
}
