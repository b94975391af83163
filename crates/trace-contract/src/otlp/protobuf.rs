//! Reads OTLP in protobuf, with the messages of opentelemetry-proto.

use std::sync::Arc;

use bytes::Bytes;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{self as otlp, span, status};
use prost::{DecodeError, Message};

use super::error::OtlpError;
use super::ids;
use crate::ids::{SpanId, TraceId};
use crate::model::{Attributes, Event, Link, Scope, Span, SpanKind, Status, Value};

/// Reads the spans of an `ExportTraceServiceRequest`. `TracesData` has the same encoding.
///
/// # Errors
/// When the bytes are not such a message, or a span has an invalid id.
pub fn from_protobuf(bytes: &[u8]) -> Result<Vec<Span>, OtlpError> {
    spans(bytes, otlp::Span::decode)
}

/// Like [`from_protobuf`], but reads only ids and resources. That is enough to count
/// spans and takes much less time.
pub(crate) fn ids_from_protobuf(bytes: &[u8]) -> Result<Vec<Span>, OtlpError> {
    spans(bytes, ids::decode)
}

/// `ExportTraceServiceRequest`, whose groups are decoded one after another. Otherwise, a
/// small message with many empty spans would take much memory before the first is
/// rejected.
#[derive(Clone, PartialEq, Message)]
struct Request {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    resource_spans: Vec<Bytes>,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    resource: Option<Resource>,
    #[prost(bytes = "bytes", repeated, tag = "2")]
    scope_spans: Vec<Bytes>,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeSpans {
    #[prost(message, optional, tag = "1")]
    scope: Option<InstrumentationScope>,
    #[prost(bytes = "bytes", repeated, tag = "2")]
    spans: Vec<Bytes>,
}

fn spans(
    bytes: &[u8],
    decode: fn(Bytes) -> Result<otlp::Span, DecodeError>,
) -> Result<Vec<Span>, OtlpError> {
    let mut spans = Vec::new();
    for group in Request::decode(Bytes::copy_from_slice(bytes))?.resource_spans {
        let group = ResourceSpans::decode(group)?;
        let resource = group.resource.unwrap_or_default();
        let resource = Arc::new(attributes(resource.attributes));
        for group in group.scope_spans {
            let group = ScopeSpans::decode(group)?;
            let scope = group.scope.unwrap_or_default();
            let scope = Arc::new(Scope {
                name: scope.name,
                version: scope.version,
                attributes: attributes(scope.attributes),
            });
            for found in group.spans {
                let found = decode(found)?;
                spans.push(span(found, Arc::clone(&resource), Arc::clone(&scope))?);
            }
        }
    }
    Ok(spans)
}

fn span(
    found: otlp::Span,
    resource: Arc<Attributes>,
    scope: Arc<Scope>,
) -> Result<Span, OtlpError> {
    let name = &found.name;
    Ok(Span {
        trace_id: trace_id(&found.trace_id, name)?,
        span_id: span_id(&found.span_id, name, "span id")?,
        parent: parent(&found.parent_span_id, name)?,
        trace_state: found.trace_state,
        flags: found.flags,
        kind: kind(found.kind),
        start: found.start_time_unix_nano,
        end: found.end_time_unix_nano,
        status: found.status.map(status).unwrap_or_default(),
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

fn trace_id(bytes: &[u8], span: &str) -> Result<TraceId, OtlpError> {
    TraceId::from_slice(bytes).ok_or_else(|| invalid_id(bytes, span, "trace id", 16))
}

fn span_id(bytes: &[u8], span: &str, field: &'static str) -> Result<SpanId, OtlpError> {
    SpanId::from_slice(bytes).ok_or_else(|| invalid_id(bytes, span, field, 8))
}

/// Zeros also mean that there is no parent.
fn parent(bytes: &[u8], span: &str) -> Result<Option<SpanId>, OtlpError> {
    if bytes.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    span_id(bytes, span, "parent span id").map(Some)
}

fn invalid_id(found: &[u8], span: &str, field: &'static str, bytes: usize) -> OtlpError {
    OtlpError::Id {
        span: span.to_owned(),
        field,
        found: format!("{} bytes", found.len()),
        bytes,
    }
}

fn kind(number: i32) -> SpanKind {
    match span::SpanKind::try_from(number) {
        Ok(span::SpanKind::Internal) => SpanKind::Internal,
        Ok(span::SpanKind::Server) => SpanKind::Server,
        Ok(span::SpanKind::Client) => SpanKind::Client,
        Ok(span::SpanKind::Producer) => SpanKind::Producer,
        Ok(span::SpanKind::Consumer) => SpanKind::Consumer,
        Ok(span::SpanKind::Unspecified) | Err(_) => SpanKind::Unspecified,
    }
}

fn status(found: otlp::Status) -> Status {
    match status::StatusCode::try_from(found.code) {
        Ok(status::StatusCode::Ok) => Status::Ok,
        Ok(status::StatusCode::Error) => Status::Error {
            message: found.message,
        },
        Ok(status::StatusCode::Unset) | Err(_) => Status::Unset,
    }
}

fn event(found: span::Event) -> Event {
    Event {
        time: found.time_unix_nano,
        name: found.name,
        attributes: attributes(found.attributes),
    }
}

fn link(found: span::Link, span: &str) -> Result<Link, OtlpError> {
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
        .map(|pair| (pair.key, value(pair.value.unwrap_or_default())))
        .collect()
}

fn value(found: AnyValue) -> Value {
    use any_value::Value as Found;
    match found.value {
        Some(Found::StringValue(text)) => Value::String(text),
        Some(Found::BoolValue(value)) => Value::Bool(value),
        Some(Found::IntValue(number)) => Value::Int(number),
        Some(Found::DoubleValue(number)) => Value::Double(number),
        Some(Found::BytesValue(bytes)) => Value::Bytes(bytes),
        Some(Found::ArrayValue(list)) => Value::Array(list.values.into_iter().map(value).collect()),
        Some(Found::KvlistValue(list)) => Value::Map(attributes(list.values)),
        // An index into a string table, which only profiles have.
        Some(Found::StringValueStrindex(_)) | None => Value::Empty,
    }
}
