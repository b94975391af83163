//! Jaeger's JSON: the traces in `data` of its `/api/traces`, which its page also downloads.
//!
//! Tags that stand for fields of OpenTelemetry become these fields, as in the Collector's
//! receiver: `span.kind`, `error`, `otel.status_code`, `otel.scope.name` and others.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;

use super::shape::Shape;
use super::{ids, tags};
use crate::json::{Nullable, Number, OneOrMany};
use crate::model::{Attributes, Event, Link, Span, Status, Value};

const NANOS_PER_MICRO: u64 = 1_000;

pub(super) fn matches(shape: &Shape) -> bool {
    let is_trace = |shape: &Shape| {
        shape.has_all(&["spans.operationName", "processes"])
            || shape.has_all(&["spans.operationName", "spans.process"])
            || shape.has_all(&["spans.operationName", "spans.processID"])
    };
    let is_empty = shape.get("data").is_some_and(Shape::is_empty);
    is_trace(shape)
        || shape.get("data").is_some_and(is_trace)
        || (is_empty && shape.has_any(&["total", "errors"]))
}

/// The message of a response without a trace.
pub(super) fn error_message(bytes: &[u8], shape: &Shape) -> Option<String> {
    #[derive(Deserialize)]
    struct Response {
        errors: Vec<Problem>,
    }

    #[derive(Deserialize)]
    struct Problem {
        msg: String,
    }

    if !shape.get("data").is_some_and(Shape::is_empty) || !shape.has("errors.msg") {
        return None;
    }
    let response: Response = serde_json::from_slice(bytes).ok()?;
    let messages: Vec<String> = response.errors.into_iter().map(|it| it.msg).collect();
    Some(format!(
        "it is a response of Jaeger without a trace: {}. Request a trace that Jaeger has",
        messages.join("; ")
    ))
}

pub(super) fn parse(bytes: &[u8]) -> Result<Vec<Span>, serde_json::Error> {
    let documents: OneOrMany<Document> = serde_json::from_slice(bytes)?;
    let mut spans = Vec::new();
    for document in documents.0 {
        for trace in document.data.0 {
            read(trace, &mut spans)?;
        }
        let trace = JaegerTrace {
            spans: document.spans,
            processes: document.processes,
        };
        read(trace, &mut spans)?;
    }
    Ok(spans)
}

/// A response, or a trace of it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Document {
    data: Nullable<Vec<JaegerTrace>>,
    spans: Nullable<Vec<JaegerSpan>>,
    processes: Nullable<HashMap<String, Process>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct JaegerTrace {
    spans: Nullable<Vec<JaegerSpan>>,
    processes: Nullable<HashMap<String, Process>>,
}

fn read(trace: JaegerTrace, spans: &mut Vec<Span>) -> Result<(), serde_json::Error> {
    let processes = trace.processes.0.into_iter();
    let resources: HashMap<String, Arc<Attributes>> = processes
        .map(|(id, process)| (id, Arc::new(process.resource())))
        .collect();
    for JaegerSpan {
        mut span,
        process_id,
        process,
    } in trace.spans.0
    {
        span.resource = match (resources.get(&process_id), process) {
            (Some(resource), _) => Arc::clone(resource),
            (None, Some(process)) => Arc::new(process.resource()),
            (None, None) => {
                return Err(serde::de::Error::custom(format!(
                    "span {:?} has the process {process_id:?}, which is not in `processes`",
                    span.name
                )));
            }
        };
        spans.push(span);
    }
    Ok(())
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Process {
    service_name: Nullable<String>,
    tags: Nullable<Vec<Tag>>,
}

impl Process {
    fn resource(self) -> Attributes {
        let mut resource = attributes(self.tags.0);
        resource.insert(
            "service.name".to_owned(),
            Value::String(self.service_name.0),
        );
        resource
    }
}

/// A span without its resource. It is converted while it is read, so that an error has
/// its position.
#[derive(Deserialize)]
#[serde(try_from = "SpanFields")]
struct JaegerSpan {
    span: Span,
    process_id: String,
    process: Option<Process>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SpanFields {
    #[serde(rename = "traceID")]
    trace_id: String,
    #[serde(rename = "spanID")]
    span_id: String,
    /// Of Jaeger before 1.0; later in `references`.
    #[serde(rename = "parentSpanID")]
    parent_span_id: Nullable<String>,
    references: Nullable<Vec<Reference>>,
    operation_name: Nullable<String>,
    flags: Number<u32>,
    start_time: Number<u64>,
    duration: Number<u64>,
    tags: Nullable<Vec<Tag>>,
    logs: Nullable<Vec<Log>>,
    #[serde(rename = "processID")]
    process_id: Nullable<String>,
    process: Option<Process>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Reference {
    ref_type: Nullable<String>,
    #[serde(rename = "traceID")]
    trace_id: String,
    #[serde(rename = "spanID")]
    span_id: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Log {
    timestamp: Number<u64>,
    fields: Nullable<Vec<Tag>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tag {
    key: Nullable<String>,
    #[serde(rename = "type")]
    kind: Nullable<String>,
    value: serde_json::Value,
}

impl TryFrom<SpanFields> for JaegerSpan {
    type Error = String;

    fn try_from(found: SpanFields) -> Result<Self, String> {
        let name = found.operation_name.0;
        let trace_id = ids::trace_id(&found.trace_id, "traceID", &name)?;
        let span_id = ids::span_id(&found.span_id, "spanID", &name)?;
        let mut references = references(found.references.0, &name)?;
        let parent = if ids::is_absent(&found.parent_span_id.0) {
            None
        } else {
            Some(ids::span_id(
                &found.parent_span_id.0,
                "parentSpanID",
                &name,
            )?)
        };
        // As Jaeger does: the first reference of the same trace, CHILD_OF before others.
        let is_parent = |link: &Link| link.trace_id == trace_id && link.span_id != span_id;
        let child_of = references
            .iter()
            .position(|(is_child, link)| *is_child && is_parent(link));
        let parent_reference =
            child_of.or_else(|| references.iter().position(|(_, link)| is_parent(link)));
        let parent = match parent_reference {
            Some(index) => Some(references.remove(index).1.span_id),
            None => parent,
        };
        let start = found.start_time.0.saturating_mul(NANOS_PER_MICRO);
        let mut tags = attributes(found.tags.0);
        let span = Span {
            trace_id,
            span_id,
            parent,
            trace_state: tags::take_text(&mut tags, "w3c.tracestate").unwrap_or_default(),
            flags: found.flags.0,
            kind: tags::kind(&mut tags),
            start,
            end: start.saturating_add(found.duration.0.saturating_mul(NANOS_PER_MICRO)),
            status: status(&mut tags),
            events: found.logs.0.into_iter().map(event).collect(),
            links: references.into_iter().map(|(_, link)| link).collect(),
            resource: Arc::default(),
            scope: Arc::new(tags::scope(&mut tags)),
            attributes: tags,
            name,
        };
        Ok(Self {
            span,
            process_id: found.process_id.0,
            process: found.process,
        })
    }
}

/// The references as links, and whether they are of the type `CHILD_OF`.
fn references(found: Vec<Reference>, span: &str) -> Result<Vec<(bool, Link)>, String> {
    let link = |found: Reference| {
        let link = Link {
            trace_id: ids::trace_id(&found.trace_id, "traceID of a reference", span)?,
            span_id: ids::span_id(&found.span_id, "spanID of a reference", span)?,
            trace_state: String::new(),
            attributes: Attributes::new(),
        };
        Ok((found.ref_type.0 == "CHILD_OF", link))
    };
    found.into_iter().map(link).collect()
}

fn status(tags: &mut Attributes) -> Status {
    let code = tags::take_text(tags, "otel.status_code");
    let message = tags::take_text(tags, "otel.status_description").unwrap_or_default();
    let is_error = match tags.get("error") {
        Some(Value::Bool(is_error)) => *is_error,
        Some(Value::String(text)) => text == "true",
        _ => false,
    };
    match code.as_deref() {
        Some("OK") => Status::Ok,
        Some("ERROR") | None if is_error || code.is_some() => {
            tags.remove("error");
            Status::Error { message }
        }
        _ => Status::Unset,
    }
}

fn event(found: Log) -> Event {
    let mut attributes = attributes(found.fields.0);
    Event {
        time: found.timestamp.0.saturating_mul(NANOS_PER_MICRO),
        name: tags::take_text(&mut attributes, "event").unwrap_or_default(),
        attributes,
    }
}

fn attributes(tags: Vec<Tag>) -> Attributes {
    tags.into_iter()
        .map(|tag| (tag.key.0, tags::value(&tag.kind.0, tag.value)))
        .collect()
}
