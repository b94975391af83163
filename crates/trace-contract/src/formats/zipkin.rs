//! Zipkin v2 JSON: a list of spans, or of lists.
//!
//! Tags that stand for fields of OpenTelemetry become these fields, as in the Collector's
//! receiver. A server that shares the span id of its client gets an own id, because ids
//! are unique in OpenTelemetry.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use serde::Deserialize;

use super::shape::Shape;
use super::{ids, tags};
use crate::ids::{SpanId, TraceId};
use crate::json::{Nullable, Number, OneOrMany};
use crate::model::{Attributes, Event, Span, SpanKind, Status, Value};

const NANOS_PER_MICRO: u64 = 1_000;

pub(super) fn matches(shape: &Shape) -> bool {
    shape.has_all(&["traceId", "id"])
        && !shape.has_any(&["binaryAnnotations", "annotations.endpoint", "spans"])
}

pub(super) fn parse(bytes: &[u8]) -> Result<Vec<Span>, serde_json::Error> {
    let found: OneOrMany<ZipkinSpan> = serde_json::from_slice(bytes)?;
    let mut spans = found.0;
    extend_trace_ids(&mut spans);
    separate_shared(&mut spans);
    Ok(spans.into_iter().map(|found| found.span).collect())
}

/// A span that is converted while it is read, so that an error has its position.
#[derive(Deserialize)]
#[serde(try_from = "SpanFields")]
struct ZipkinSpan {
    span: Span,
    shared: bool,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SpanFields {
    trace_id: String,
    id: String,
    parent_id: Nullable<String>,
    name: Nullable<String>,
    kind: Nullable<String>,
    timestamp: Number<u64>,
    duration: Number<u64>,
    shared: Nullable<bool>,
    local_endpoint: Nullable<Endpoint>,
    remote_endpoint: Nullable<Endpoint>,
    annotations: Nullable<Vec<Annotation>>,
    tags: Nullable<BTreeMap<String, Nullable<String>>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Endpoint {
    service_name: Nullable<String>,
    ipv4: Option<String>,
    ipv6: Option<String>,
    port: Number<u16>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Annotation {
    timestamp: Number<u64>,
    value: Nullable<String>,
}

impl TryFrom<SpanFields> for ZipkinSpan {
    type Error = String;

    fn try_from(found: SpanFields) -> Result<Self, String> {
        let name = found.name.0;
        let parent = if ids::is_absent(&found.parent_id.0) {
            None
        } else {
            Some(ids::span_id(&found.parent_id.0, "parentId", &name)?)
        };
        let tags = found.tags.0.into_iter();
        let mut tags: Attributes = tags
            .map(|(key, value)| (key, Value::String(value.0)))
            .collect();
        let start = found.timestamp.0.saturating_mul(NANOS_PER_MICRO);
        let kind = kind(&found.kind.0, &mut tags, &name)?;
        let status = status(&mut tags);
        let scope = Arc::new(tags::scope(&mut tags));
        let trace_state = tags::take_text(&mut tags, "w3c.tracestate").unwrap_or_default();
        add_peer(found.remote_endpoint.0, &mut tags);
        let span = Span {
            trace_id: ids::trace_id(&found.trace_id, "traceId", &name)?,
            span_id: ids::span_id(&found.id, "id", &name)?,
            parent,
            trace_state,
            flags: 0,
            kind,
            start,
            end: start.saturating_add(found.duration.0.saturating_mul(NANOS_PER_MICRO)),
            status,
            attributes: tags,
            events: found.annotations.0.into_iter().map(event).collect(),
            links: Vec::new(),
            resource: Arc::new(resource(found.local_endpoint.0)),
            scope,
            name,
        };
        Ok(Self {
            span,
            shared: found.shared.0,
        })
    }
}

/// Zipkin's spans have no kind if they are internal.
fn kind(kind: &str, tags: &mut Attributes, span: &str) -> Result<SpanKind, String> {
    match kind {
        "" => Ok(tags::kind(tags)),
        "CLIENT" => Ok(SpanKind::Client),
        "SERVER" => Ok(SpanKind::Server),
        "PRODUCER" => Ok(SpanKind::Producer),
        "CONSUMER" => Ok(SpanKind::Consumer),
        other => Err(format!(
            "span {span:?} has the kind {other:?}: expected CLIENT, SERVER, PRODUCER, CONSUMER or no kind"
        )),
    }
}

/// The tag `error` marks an error with any value; its value is the message.
fn status(tags: &mut Attributes) -> Status {
    let code = tags::take_text(tags, "otel.status_code");
    let description = tags::take_text(tags, "otel.status_description");
    let error = match code.as_deref() {
        Some("OK") => return Status::Ok,
        _ => tags::take_text(tags, "error"),
    };
    if error.is_none() && code.as_deref() != Some("ERROR") {
        return Status::Unset;
    }
    let error = error.filter(|text| text != "true");
    let message = description.or(error).unwrap_or_default();
    Status::Error { message }
}

fn add_peer(endpoint: Endpoint, tags: &mut Attributes) {
    let mut add = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            tags.entry(key.to_owned()).or_insert(value);
        }
    };
    let service = Some(endpoint.service_name.0).filter(|name| !name.is_empty());
    add("peer.service", service.map(Value::String));
    let address = endpoint.ipv4.or(endpoint.ipv6);
    add("network.peer.address", address.map(Value::String));
    let port = Some(endpoint.port.0).filter(|port| *port != 0);
    add(
        "network.peer.port",
        port.map(|port| Value::Int(port.into())),
    );
}

fn resource(endpoint: Endpoint) -> Attributes {
    let name = Value::String(endpoint.service_name.0);
    [("service.name".to_owned(), name)].into()
}

/// The name, or `"name": {"key": "value"}` with attributes, which OpenTelemetry writes.
fn event(found: Annotation) -> Event {
    let time = found.timestamp.0.saturating_mul(NANOS_PER_MICRO);
    let text = found.value.0;
    let parsed: Option<BTreeMap<String, serde_json::Map<String, serde_json::Value>>> = text
        .starts_with('"')
        .then(|| serde_json::from_str(&format!("{{{text}}}")).ok())
        .flatten();
    let mut parsed = parsed.unwrap_or_default().into_iter();
    match (parsed.next(), parsed.next()) {
        (Some((name, attributes)), None) => {
            let attributes = attributes.into_iter();
            Event {
                time,
                name,
                attributes: attributes
                    .map(|(key, it)| (key, tags::value("", it)))
                    .collect(),
            }
        }
        _ => Event {
            time,
            name: text,
            attributes: Attributes::new(),
        },
    }
}

/// Some services write only the last 64 bits of trace ids. They get the ids of 128 bits
/// if there is only one that fits.
fn extend_trace_ids(spans: &mut [ZipkinSpan]) {
    let short = |id: TraceId| id.to_bytes()[..8] == [0; 8];
    let low = |id: TraceId| id.to_bytes()[8..].to_vec();
    let mut long: HashMap<Vec<u8>, HashSet<TraceId>> = HashMap::new();
    for id in spans
        .iter()
        .map(|it| it.span.trace_id)
        .filter(|id| !short(*id))
    {
        long.entry(low(id)).or_default().insert(id);
    }
    for ZipkinSpan { span, .. } in spans {
        if !short(span.trace_id) {
            continue;
        }
        if let Some(ids) = long.get(&low(span.trace_id)).filter(|ids| ids.len() == 1) {
            span.trace_id = ids.iter().copied().next().unwrap_or(span.trace_id);
        }
    }
}

/// Where a server shares the id of its client, it becomes the client's child with a new
/// id, and the parent of the spans of its service.
fn separate_shared(spans: &mut [ZipkinSpan]) {
    let key = |span: &Span| (span.trace_id, span.span_id);
    let others: HashMap<(TraceId, SpanId), String> = spans
        .iter()
        .filter(|it| is_caller(it))
        .map(|it| (key(&it.span), it.span.service().to_owned()))
        .collect();
    let mut used: HashSet<(TraceId, SpanId)> = spans.iter().map(|it| key(&it.span)).collect();
    // By shared id: the new id, and the service of the server.
    let mut servers: HashMap<(TraceId, SpanId), (SpanId, String)> = HashMap::new();
    for found in spans.iter_mut() {
        let shared = key(&found.span);
        if is_caller(found) || !others.contains_key(&shared) || found.span.kind != SpanKind::Server
        {
            continue;
        }
        let id = new_id(shared.0, shared.1, &used);
        used.insert((shared.0, id));
        servers
            .entry(shared)
            .or_insert_with(|| (id, found.span.service().to_owned()));
        found.span.parent = Some(shared.1);
        found.span.span_id = id;
    }
    for found in spans {
        let Some(parent) = found.span.parent else {
            continue;
        };
        let shared = (found.span.trace_id, parent);
        let Some((id, service)) = servers.get(&shared) else {
            continue;
        };
        let is_server_itself = found.span.kind == SpanKind::Server && found.span.span_id == *id;
        let client = others.get(&shared).map(String::as_str);
        let in_client = client == Some(found.span.service()) && found.span.service() != service;
        if !is_server_itself && !in_client && found.span.span_id != *id {
            found.span.parent = Some(*id);
        }
    }
}

/// Whether a span may share its id with a server.
fn is_caller(found: &ZipkinSpan) -> bool {
    !found.shared && found.span.kind == SpanKind::Client
}

/// An unused id that is the same in every run.
fn new_id(trace: TraceId, shared: SpanId, used: &HashSet<(TraceId, SpanId)>) -> SpanId {
    let mut number = !u64::from_be_bytes(shared.to_bytes());
    loop {
        match SpanId::from_bytes(number.to_be_bytes()) {
            Some(id) if !used.contains(&(trace, id)) => return id,
            _ => number = number.wrapping_add(1),
        }
    }
}
