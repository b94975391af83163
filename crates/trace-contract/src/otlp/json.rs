//! Reads OTLP in JSON, as its specification defines it, and in the variants that programs
//! write: wrapped in `result` (Jaeger's `/api/v3`) or `trace` (Tempo), `batches` instead
//! of `resourceSpans` (Tempo), ids in base64 (protobuf's own JSON),
//! `instrumentationLibrarySpans` (OTLP before 0.15), snake-case names, and `null`.

use std::sync::{Arc, LazyLock};

use serde::Deserialize;

use super::error::OtlpError;
use super::json_values::JsonAttributes;
use crate::ids::{SpanId, TraceId};
use crate::json::{EnumValue, Nullable, Number, OneOrMany, from_base64};
use crate::model::{Attributes, Event, Link, Scope, Span, SpanKind, Status};

/// Reads the spans of one or more JSON documents, or of lists of them.
///
/// # Errors
/// When the bytes are not such JSON, or a span has an invalid id.
pub fn from_json(bytes: &[u8]) -> Result<Vec<Span>, OtlpError> {
    let mut spans = Vec::new();
    let documents = serde_json::Deserializer::from_slice(bytes);
    for document in documents.into_iter::<OneOrMany<Document>>() {
        document?
            .0
            .into_iter()
            .for_each(|document| document.read(&mut spans));
    }
    Ok(spans)
}

/// Reads the spans of one JSON document, or of a list of them.
pub(crate) fn parse(bytes: &[u8]) -> Result<Vec<Span>, serde_json::Error> {
    let documents: OneOrMany<Document> = serde_json::from_slice(bytes)?;
    let mut spans = Vec::new();
    for document in documents.0 {
        document.read(&mut spans);
    }
    Ok(spans)
}

/// The fields of a request, a response or a file that contain spans.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Document {
    #[serde(alias = "resource_spans")]
    resource_spans: Nullable<Vec<ResourceSpans>>,
    batches: Nullable<Vec<ResourceSpans>>,
    result: Nullable<Wrapped>,
    trace: Nullable<Wrapped>,
}

/// A document in an envelope.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Wrapped {
    #[serde(alias = "resource_spans")]
    resource_spans: Nullable<Vec<ResourceSpans>>,
    batches: Nullable<Vec<ResourceSpans>>,
}

impl Document {
    fn read(self, spans: &mut Vec<Span>) {
        let lists = [
            self.resource_spans,
            self.batches,
            self.result.0.resource_spans,
            self.result.0.batches,
            self.trace.0.resource_spans,
            self.trace.0.batches,
        ];
        for group in lists.into_iter().flat_map(|list| list.0) {
            group.read(spans);
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ResourceSpans {
    resource: Nullable<JsonScope>,
    #[serde(alias = "scope_spans")]
    scope_spans: Nullable<Vec<ScopeSpans>>,
    #[serde(alias = "instrumentation_library_spans")]
    instrumentation_library_spans: Nullable<Vec<ScopeSpans>>,
}

impl ResourceSpans {
    fn read(self, spans: &mut Vec<Span>) {
        let resource = Arc::new(self.resource.0.attributes.0);
        let groups = [self.scope_spans, self.instrumentation_library_spans];
        for group in groups.into_iter().flat_map(|list| list.0) {
            let scope = Arc::new(Scope {
                name: group.scope.0.name.0,
                version: group.scope.0.version.0,
                attributes: group.scope.0.attributes.0,
            });
            for JsonSpan(mut span) in group.spans.0 {
                span.resource = Arc::clone(&resource);
                span.scope = Arc::clone(&scope);
                spans.push(span);
            }
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ScopeSpans {
    #[serde(alias = "instrumentationLibrary", alias = "instrumentation_library")]
    scope: Nullable<JsonScope>,
    spans: Nullable<Vec<JsonSpan>>,
}

/// A scope or a resource; a resource has attributes only.
#[derive(Default, Deserialize)]
#[serde(default)]
struct JsonScope {
    name: Nullable<String>,
    version: Nullable<String>,
    attributes: JsonAttributes,
}

/// A span without its resource and its scope. It is converted while it is read, so that
/// an error has its position, and a list of empty objects takes no memory.
#[derive(Deserialize)]
#[serde(try_from = "SpanFields")]
struct JsonSpan(Span);

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SpanFields {
    #[serde(alias = "trace_id")]
    trace_id: Nullable<String>,
    #[serde(alias = "span_id")]
    span_id: Nullable<String>,
    #[serde(alias = "parent_span_id")]
    parent_span_id: Nullable<String>,
    #[serde(alias = "trace_state")]
    trace_state: Nullable<String>,
    flags: Number<u32>,
    name: Nullable<String>,
    kind: EnumValue,
    #[serde(alias = "start_time_unix_nano")]
    start_time_unix_nano: Number<u64>,
    #[serde(alias = "end_time_unix_nano")]
    end_time_unix_nano: Number<u64>,
    attributes: JsonAttributes,
    events: Nullable<Vec<JsonEvent>>,
    links: Nullable<Vec<JsonLink>>,
    status: Nullable<JsonStatus>,
}

impl TryFrom<SpanFields> for JsonSpan {
    type Error = OtlpError;

    fn try_from(found: SpanFields) -> Result<Self, OtlpError> {
        static EMPTY: LazyLock<(Arc<Attributes>, Arc<Scope>)> = LazyLock::new(Default::default);
        let name = &found.name.0;
        let links = found.links.0.into_iter();
        Ok(Self(Span {
            trace_id: trace_id(&found.trace_id.0, name, "trace id")?,
            span_id: span_id(&found.span_id.0, name, "span id")?,
            parent: parent(&found.parent_span_id.0, name)?,
            trace_state: found.trace_state.0,
            flags: found.flags.0,
            kind: kind(&found.kind),
            start: found.start_time_unix_nano.0,
            end: found.end_time_unix_nano.0,
            status: found.status.0.into(),
            attributes: found.attributes.0,
            events: found.events.0.into_iter().map(Event::from).collect(),
            links: links
                .map(|found| link(found, name))
                .collect::<Result<_, _>>()?,
            resource: Arc::clone(&EMPTY.0),
            scope: Arc::clone(&EMPTY.1),
            name: found.name.0,
        }))
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct JsonEvent {
    #[serde(alias = "time_unix_nano")]
    time_unix_nano: Number<u64>,
    name: Nullable<String>,
    attributes: JsonAttributes,
}

impl From<JsonEvent> for Event {
    fn from(found: JsonEvent) -> Self {
        Self {
            time: found.time_unix_nano.0,
            name: found.name.0,
            attributes: found.attributes.0,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct JsonLink {
    #[serde(alias = "trace_id")]
    trace_id: Nullable<String>,
    #[serde(alias = "span_id")]
    span_id: Nullable<String>,
    #[serde(alias = "trace_state")]
    trace_state: Nullable<String>,
    attributes: JsonAttributes,
}

fn link(found: JsonLink, span: &str) -> Result<Link, OtlpError> {
    Ok(Link {
        trace_id: trace_id(&found.trace_id.0, span, "trace id of a link")?,
        span_id: span_id(&found.span_id.0, span, "span id of a link")?,
        trace_state: found.trace_state.0,
        attributes: found.attributes.0,
    })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct JsonStatus {
    code: EnumValue,
    message: Nullable<String>,
}

impl From<JsonStatus> for Status {
    fn from(found: JsonStatus) -> Self {
        match &*found.code.name("STATUS_CODE_", &["UNSET", "OK", "ERROR"]) {
            "OK" => Self::Ok,
            "ERROR" => Self::Error {
                message: found.message.0,
            },
            _ => Self::Unset,
        }
    }
}

fn kind(code: &EnumValue) -> SpanKind {
    let names = [
        "UNSPECIFIED",
        "INTERNAL",
        "SERVER",
        "CLIENT",
        "PRODUCER",
        "CONSUMER",
    ];
    match &*code.name("SPAN_KIND_", &names) {
        "INTERNAL" => SpanKind::Internal,
        "SERVER" => SpanKind::Server,
        "CLIENT" => SpanKind::Client,
        "PRODUCER" => SpanKind::Producer,
        "CONSUMER" => SpanKind::Consumer,
        _ => SpanKind::Unspecified,
    }
}

/// Hex, as OTLP requires, or base64, as protobuf's own JSON writes bytes. Their lengths
/// differ.
fn trace_id(text: &str, span: &str, field: &'static str) -> Result<TraceId, OtlpError> {
    let id = text.parse().ok();
    id.or_else(|| TraceId::from_slice(&from_base64(text)?))
        .ok_or_else(|| invalid_id(text, span, field, 16))
}

fn span_id(text: &str, span: &str, field: &'static str) -> Result<SpanId, OtlpError> {
    let id = text.parse().ok();
    id.or_else(|| SpanId::from_slice(&from_base64(text)?))
        .ok_or_else(|| invalid_id(text, span, field, 8))
}

/// Zeros also mean that there is no parent.
fn parent(text: &str, span: &str) -> Result<Option<SpanId>, OtlpError> {
    let is_zero = |bytes: Vec<u8>| bytes == [0; 8];
    if text.bytes().all(|digit| digit == b'0') || from_base64(text).is_some_and(is_zero) {
        return Ok(None);
    }
    span_id(text, span, "parent span id").map(Some)
}

fn invalid_id(found: &str, span: &str, field: &'static str, bytes: usize) -> OtlpError {
    OtlpError::Id {
        span: span.to_owned(),
        field,
        found: format!("{found:?} is neither its hex form nor its base64 form"),
        bytes,
    }
}
