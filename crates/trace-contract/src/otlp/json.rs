//! Reads OTLP in JSON: as the specification defines it, and as Jaeger's `/api/v3`
//! responds, which wraps it in `result` and uses other forms of numbers and enums.

use std::sync::Arc;

use serde::Deserialize;

use super::error::OtlpError;
use super::scalars::{Base64, EnumValue, Number};
use crate::ids::{SpanId, TraceId};
use crate::model::{Attributes, Event, Link, Scope, Span, SpanKind, Status, Value};

/// Reads the spans of one or more JSON documents with `resourceSpans`, at the top level
/// or in `result`.
///
/// # Errors
/// When the bytes are not such JSON, or a span has an invalid id.
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

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ResourceSpans {
    resource: JsonScope,
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ScopeSpans {
    scope: JsonScope,
    spans: Vec<JsonSpan>,
}

/// A scope or a resource; a resource has attributes only.
#[derive(Default, Deserialize)]
#[serde(default)]
struct JsonScope {
    name: String,
    version: String,
    attributes: Vec<KeyValue>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct JsonSpan {
    trace_id: String,
    span_id: String,
    parent_span_id: String,
    trace_state: String,
    flags: Number<u32>,
    name: String,
    kind: EnumValue,
    start_time_unix_nano: Number<u64>,
    end_time_unix_nano: Number<u64>,
    attributes: Vec<KeyValue>,
    events: Vec<JsonEvent>,
    links: Vec<JsonLink>,
    status: JsonStatus,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct JsonEvent {
    time_unix_nano: Number<u64>,
    name: String,
    attributes: Vec<KeyValue>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct JsonLink {
    trace_id: String,
    span_id: String,
    trace_state: String,
    attributes: Vec<KeyValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct JsonStatus {
    code: EnumValue,
    message: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct KeyValue {
    key: String,
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

#[derive(Default, Deserialize)]
#[serde(default)]
struct ArrayValue {
    values: Vec<AnyValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct KvlistValue {
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
    text.parse()
        .map_err(|_| invalid_id(text, span, "trace id", 16))
}

fn span_id(text: &str, span: &str, field: &'static str) -> Result<SpanId, OtlpError> {
    text.parse().map_err(|_| invalid_id(text, span, field, 8))
}

/// Zeros also mean that there is no parent.
fn parent(text: &str, span: &str) -> Result<Option<SpanId>, OtlpError> {
    if text.bytes().all(|digit| digit == b'0') {
        return Ok(None);
    }
    span_id(text, span, "parent span id").map(Some)
}

fn invalid_id(found: &str, span: &str, field: &'static str, bytes: usize) -> OtlpError {
    OtlpError::Id {
        span: span.to_owned(),
        field,
        found: format!("{found:?} is not its hex form"),
        bytes,
    }
}

fn kind(code: &EnumValue) -> SpanKind {
    match code {
        EnumValue::Number(1) => SpanKind::Internal,
        EnumValue::Number(2) => SpanKind::Server,
        EnumValue::Number(3) => SpanKind::Client,
        EnumValue::Number(4) => SpanKind::Producer,
        EnumValue::Number(5) => SpanKind::Consumer,
        EnumValue::Number(_) => SpanKind::Unspecified,
        EnumValue::Name(name) => match name.strip_prefix("SPAN_KIND_").unwrap_or(name) {
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
        EnumValue::Number(1) => "OK",
        EnumValue::Number(2) => "ERROR",
        EnumValue::Number(_) => "UNSET",
        EnumValue::Name(name) => name.strip_prefix("STATUS_CODE_").unwrap_or(name),
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
