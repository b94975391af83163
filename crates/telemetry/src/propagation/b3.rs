//! B3 (<https://github.com/openzipkin/b3-propagation>), in both encodings: one `b3`
//! header, or several `X-B3-*` headers.
//!
//! OpenTelemetry's own propagator for B3 treats "debug" and "no decision" as "do not
//! sample", ignores a decision without ids, writes the headers of both encodings, and
//! lets `X-B3-Flags: 0` override `X-B3-Sampled: 1`.

use std::sync::LazyLock;

use opentelemetry::Context;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};

use super::caller_state::{self, DEBUG};
use crate::hex;

const SINGLE: &str = "b3";
const TRACE_ID: &str = "x-b3-traceid";
const SPAN_ID: &str = "x-b3-spanid";
const SAMPLED: &str = "x-b3-sampled";
const FLAGS: &str = "x-b3-flags";

const DENY: TraceFlags = TraceFlags::new(0);
const ACCEPT: TraceFlags = TraceFlags::SAMPLED;

/// The propagator. It reads both encodings, the single header first, and writes its own.
#[derive(Debug)]
pub(super) enum B3 {
    /// One `b3` header.
    Single,
    /// The `X-B3-*` headers.
    Multi,
}

/// What a caller sent.
#[derive(Debug, PartialEq, Eq)]
struct Received {
    /// `None`: only a sampling state was sent.
    ids: Option<(TraceId, SpanId)>,
    /// `None` is "defer": the receiver decides.
    state: Option<TraceFlags>,
}

impl TextMapPropagator for B3 {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        let span = context.span();
        let span = span.span_context();
        let ids = span
            .is_valid()
            .then(|| (span.trace_id().to_string(), span.span_id().to_string()));
        let state = caller_state::decision(context).map(|flags| match flags {
            flags if flags & DEBUG == DEBUG => 'd',
            flags if flags.is_sampled() => '1',
            _ => '0',
        });
        match self {
            Self::Single => write_single(ids, state, injector),
            Self::Multi => write_multi(ids, state, injector),
        }
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        let single = extractor.get(SINGLE).and_then(read_single);
        let Received { ids, state } = match single {
            Some(received) => received,
            None => read_multi(extractor),
        };
        match (ids, state) {
            (Some((trace, span)), state) => {
                let flags = state.unwrap_or_default();
                let span = SpanContext::new(trace, span, flags, true, TraceState::NONE);
                match state {
                    Some(_) => context.with_remote_span_context(span),
                    None => caller_state::with_deferred(context, span),
                }
            }
            (None, Some(flags)) => caller_state::with_decision(context, flags),
            (None, None) => context.clone(),
        }
    }

    fn fields(&self) -> FieldIter<'_> {
        static FIELDS: LazyLock<[String; 5]> =
            LazyLock::new(|| [SINGLE, TRACE_ID, SPAN_ID, SAMPLED, FLAGS].map(str::to_owned));
        match self {
            Self::Single => FieldIter::new(&FIELDS[..1]),
            Self::Multi => FieldIter::new(&FIELDS[1..]),
        }
    }
}

fn write_single(ids: Option<(String, String)>, state: Option<char>, injector: &mut dyn Injector) {
    let value = match (ids, state) {
        (Some((trace, span)), Some(state)) => format!("{trace}-{span}-{state}"),
        (Some((trace, span)), None) => format!("{trace}-{span}"),
        (None, Some(state)) => state.to_string(),
        (None, None) => return,
    };
    injector.set(SINGLE, value);
}

fn write_multi(ids: Option<(String, String)>, state: Option<char>, injector: &mut dyn Injector) {
    if let Some((trace, span)) = ids {
        injector.set(TRACE_ID, trace);
        injector.set(SPAN_ID, span);
    }
    match state {
        // Debug implies the decision, which is not sent in addition.
        Some('d') => injector.set(FLAGS, "1".to_owned()),
        Some(state) => injector.set(SAMPLED, state.to_string()),
        None => {}
    }
}

/// Reads `{trace}-{span}-{state}-{parent}`, of which the last two are optional, or only
/// `{state}`. The parent's id is not used.
fn read_single(header: &str) -> Option<Received> {
    let fields: Vec<&str> = header.trim().split('-').collect();
    let (ids, state) = match fields.as_slice() {
        [state] => (None, Some(single_state(state)?)),
        [trace, span] => (Some((trace, span)), None),
        [trace, span, parent] if parent.len() == 16 => (Some((trace, span)), None),
        [trace, span, state] | [trace, span, state, _] => {
            (Some((trace, span)), Some(single_state(state)?))
        }
        _ => return None,
    };
    let ids = match ids {
        Some((trace, span)) => Some(read_ids(trace, span)?),
        None => None,
    };
    Some(Received { ids, state })
}

fn single_state(field: &str) -> Option<TraceFlags> {
    match field {
        "0" => Some(DENY),
        "1" => Some(ACCEPT),
        "d" => Some(ACCEPT | DEBUG),
        _ => None,
    }
}

/// Reads the `X-B3-*` headers. Each counts for itself: a decision is respected although
/// the ids are missing or invalid.
fn read_multi(extractor: &dyn Extractor) -> Received {
    let get = |name| extractor.get(name).map(str::trim);
    let ids = match (get(TRACE_ID), get(SPAN_ID)) {
        (Some(trace), Some(span)) => read_ids(trace, span),
        _ => None,
    };
    // Flags other than `1` decide nothing. `true` and `false` come from old tracers.
    let state = match (get(FLAGS), get(SAMPLED)) {
        (Some("1"), _) | (_, Some("d")) => Some(ACCEPT | DEBUG),
        (_, Some("1")) => Some(ACCEPT),
        (_, Some("0")) => Some(DENY),
        (_, Some(text)) if text.eq_ignore_ascii_case("true") => Some(ACCEPT),
        (_, Some(text)) if text.eq_ignore_ascii_case("false") => Some(DENY),
        _ => None,
    };
    Received { ids, state }
}

/// Ids of 32 or 16, and of 16 lowercase hex digits, not all of them zero.
fn read_ids(trace: &str, span: &str) -> Option<(TraceId, SpanId)> {
    let (high, low) = match trace.len() {
        16 => (0, trace.as_bytes()),
        32 => {
            let (high, low) = trace.as_bytes().split_at(16);
            (hex::read(high)?, low)
        }
        _ => return None,
    };
    let trace = TraceId::from(u128::from(high) << 64 | u128::from(hex::read(low)?));
    let span = (span.len() == 16).then_some(span)?;
    let span = SpanId::from(hex::read(span.as_bytes())?);
    (trace != TraceId::INVALID && span != SpanId::INVALID).then_some((trace, span))
}
