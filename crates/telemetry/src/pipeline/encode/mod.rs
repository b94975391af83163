//! Spans into OTLP, by hand: `opentelemetry.proto.trace.v1` as each span ends.
//!
//! The plain way (`opentelemetry-proto`'s types and prost) copies every text
//! three times and is the largest single cost of a trace. Tests hold these bytes
//! to that way's, for everything that a span can hold.

mod common;
#[cfg(test)]
mod tests;
mod wire;

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::InstrumentationScope;
use opentelemetry::trace::{Event, Link, SpanContext, SpanId, SpanKind, Status, TraceState};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;

pub(crate) use self::common::ValueLimit;
use self::common::{attributes, attributes_len};
use self::wire::{
    bytes, count, count_len, field_len, fixed32, fixed64, head, text, text_len, unsigned,
};

/// `SpanFlags`: bits 8 and 9 say whether the parent is known to be remote, and is.
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

/// Writes one `Span` message.
pub(crate) fn span(out: &mut Vec<u8>, span: &SpanData, limit: ValueLimit) {
    let context = &span.span_context;
    bytes(out, 1, &context.trace_id().to_bytes());
    bytes(out, 2, &context.span_id().to_bytes());
    trace_state(out, 3, context.trace_state());
    if span.parent_span_id != SpanId::INVALID {
        bytes(out, 4, &span.parent_span_id.to_bytes());
    }
    text(out, 5, &span.name);
    unsigned(out, 6, kind(&span.span_kind));
    time(out, 7, span.start_time);
    time(out, 8, span.end_time);
    attributes(out, 9, &span.attributes, limit);
    count(out, 10, span.dropped_attributes_count);
    for event in &span.events.events {
        write_event(out, event, limit);
    }
    count(out, 12, span.events.dropped_count);
    for link in &span.links.links {
        write_link(out, link, limit);
    }
    count(out, 14, span.links.dropped_count);
    write_status(out, &span.status);
    // Field 16, behind the rest: prost writes fields in the order of their numbers.
    fixed32(out, 16, flags(context, span.parent_span_is_remote));
}

fn write_event(out: &mut Vec<u8>, event: &Event, limit: ValueLimit) {
    let timed = if nanos(event.timestamp) == 0 { 0 } else { 9 };
    let len = timed
        + text_len(&event.name)
        + attributes_len(&event.attributes, limit)
        + count_len(event.dropped_attributes_count);
    head(out, 11, len);
    time(out, 1, event.timestamp);
    text(out, 2, &event.name);
    attributes(out, 3, &event.attributes, limit);
    count(out, 4, event.dropped_attributes_count);
}

fn write_link(out: &mut Vec<u8>, link: &Link, limit: ValueLimit) {
    let context = &link.span_context;
    let state = context.trace_state().header();
    let flags = flags(context, context.is_remote());
    let len = field_len(16)
        + field_len(8)
        + text_len(&state)
        + attributes_len(&link.attributes, limit)
        + count_len(link.dropped_attributes_count)
        + 5;
    head(out, 13, len);
    bytes(out, 1, &context.trace_id().to_bytes());
    bytes(out, 2, &context.span_id().to_bytes());
    text(out, 3, &state);
    attributes(out, 4, &link.attributes, limit);
    count(out, 5, link.dropped_attributes_count);
    fixed32(out, 6, flags);
}

fn write_status(out: &mut Vec<u8>, status: &Status) {
    match status {
        Status::Unset => head(out, 15, 0),
        Status::Ok => {
            head(out, 15, 2);
            unsigned(out, 3, 1);
        }
        Status::Error { description } => {
            head(out, 15, text_len(description) + 2);
            text(out, 2, description);
            unsigned(out, 3, 2);
        }
    }
}

fn trace_state(out: &mut Vec<u8>, field: u32, state: &TraceState) {
    // Most have none, and its header would be an allocation.
    if *state != TraceState::NONE {
        text(out, field, &state.header());
    }
}

fn kind(kind: &SpanKind) -> u64 {
    match kind {
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    }
}

fn flags(context: &SpanContext, remote: bool) -> u32 {
    let flags = u32::from(context.trace_flags().to_u8()) | HAS_IS_REMOTE;
    if remote { flags | IS_REMOTE } else { flags }
}

/// A time as `fixed64`, left out where it is zero.
fn time(out: &mut Vec<u8>, field: u32, time: SystemTime) {
    let nanos = nanos(time);
    if nanos != 0 {
        fixed64(out, field, nanos.to_le_bytes());
    }
}

/// Nanoseconds since 1970: zero before it, the greatest there is after 2554.
fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// The head of one entry of `ScopeSpans.spans`; the span's bytes follow.
pub(crate) fn span_head(out: &mut Vec<u8>, span_len: usize) {
    head(out, 2, span_len);
}

/// Everything of a `ScopeSpans` but its spans.
pub(crate) fn scope(scope: &InstrumentationScope) -> Vec<u8> {
    let mut inner = Vec::new();
    text(&mut inner, 1, scope.name());
    text(&mut inner, 2, scope.version().unwrap_or_default());
    let scope_attributes: Vec<_> = scope.attributes().cloned().collect();
    attributes(&mut inner, 3, &scope_attributes, ValueLimit::default());
    let mut out = Vec::new();
    bytes(&mut out, 1, &inner);
    text(&mut out, 3, scope.schema_url().unwrap_or_default());
    out
}

/// Everything of a `ResourceSpans` but its scopes.
pub(crate) fn resource(resource: &Resource) -> Vec<u8> {
    let resource_attributes: Vec<_> = resource
        .iter()
        .map(|(key, value)| opentelemetry::KeyValue::new(key.clone(), value.clone()))
        .collect();
    let mut inner = Vec::new();
    attributes(&mut inner, 1, &resource_attributes, ValueLimit::default());
    let mut out = Vec::new();
    bytes(&mut out, 1, &inner);
    text(&mut out, 3, resource.schema_url().unwrap_or_default());
    out
}

/// One `ScopeSpans`, in the pieces in which its spans were queued.
#[derive(Debug)]
pub(crate) struct ScopeSpans {
    scope: Vec<u8>,
    spans: Vec<Vec<u8>>,
}

impl ScopeSpans {
    /// No spans yet; `scope` is what [`scope`] wrote.
    pub(crate) fn of(scope: Vec<u8>) -> Self {
        Self {
            scope,
            spans: Vec::new(),
        }
    }

    /// Adds spans, each under its [`span_head`].
    pub(crate) fn push(&mut self, spans: Vec<u8>) {
        if !spans.is_empty() {
            self.spans.push(spans);
        }
    }

    /// Whether there are no spans.
    pub(crate) fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Bytes of all spans.
    pub(crate) fn spans_len(&self) -> usize {
        self.spans.iter().map(Vec::len).sum()
    }

    fn len(&self) -> usize {
        self.scope.len() + self.spans_len()
    }
}

/// An `ExportTraceServiceRequest` with one resource.
pub(crate) fn request(resource: &[u8], scopes: &[ScopeSpans]) -> Vec<u8> {
    let scopes_len: usize = scopes.iter().map(|scope| field_len(scope.len())).sum();
    let resource_spans = resource.len() + scopes_len;
    let mut out = Vec::with_capacity(field_len(resource_spans));
    head(&mut out, 1, resource_spans);
    out.extend_from_slice(resource);
    for of in scopes {
        head(&mut out, 2, of.len());
        out.extend_from_slice(&of.scope);
        for spans in &of.spans {
            out.extend_from_slice(spans);
        }
    }
    out
}
