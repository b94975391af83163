//! Jaeger's own headers (<https://www.jaegertracing.io/docs/1.76/sdk-migration/#propagation-format>):
//! `uber-trace-id`, and `uberctx-{key}` for baggage. For callers that still use
//! them; OpenTelemetry's specification deprecates them.

use opentelemetry::Context;
use opentelemetry::baggage::{Baggage, BaggageExt};
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use percent_encoding::percent_decode_str;

use super::baggage;
use super::caller_state::DEBUG;
use super::carrier;

const TRACE: &str = "uber-trace-id";
const BAGGAGE: &str = "uberctx-";
/// Bit 1 of Jaeger's flags: a debug trace, which is also sampled.
const JAEGER_DEBUG: u8 = 0x02;

/// The propagator.
#[derive(Debug)]
pub(super) struct Jaeger;

impl TextMapPropagator for Jaeger {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        let span = context.span();
        let span = span.span_context();
        if span.is_valid() {
            let mut flags = u8::from(span.is_sampled());
            if span.trace_flags() & DEBUG == DEBUG {
                flags |= JAEGER_DEBUG;
            }
            // The parent's id is deprecated and always 0.
            let value = format!("{}:{}:0:{flags}", span.trace_id(), span.span_id());
            injector.set(TRACE, value);
        }
        for (key, (value, _)) in context.baggage() {
            injector.set(
                &format!("{BAGGAGE}{key}"),
                baggage::encode(value.as_str()).to_string(),
            );
        }
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        let mut extracted = context.clone();
        if let Some(span) = extractor.get(TRACE).and_then(parse) {
            extracted = extracted.with_remote_span_context(span);
        }
        let mut found = Baggage::new();
        let mut room = baggage::MAX_BYTES;
        for header in extractor.keys() {
            if let Some(key) = header.strip_prefix(BAGGAGE)
                && let Some(value) = extractor.get(header).filter(|it| *it != carrier::INVALID)
                && let Some(rest) = room.checked_sub(key.len() + value.len())
                && found.len() < baggage::MAX_MEMBERS
            {
                room = rest;
                let value = percent_decode_str(value).decode_utf8_lossy();
                found.insert(key.to_owned(), value.into_owned());
            }
        }
        if found.is_empty() {
            return extracted;
        }
        // What another propagator has read takes precedence, as the specification requires.
        for (key, (value, metadata)) in context.baggage() {
            found.insert_with_metadata(key.clone(), value.clone(), metadata.clone());
        }
        extracted.with_baggage(found)
    }

    fn fields(&self) -> FieldIter<'_> {
        static FIELDS: std::sync::LazyLock<[String; 1]> =
            std::sync::LazyLock::new(|| [TRACE.to_owned()]);
        FieldIter::new(FIELDS.as_slice())
    }
}

/// `{trace-id}:{span-id}:{parent-span-id}:{flags}`, ids of up to 32 and 16 hex
/// digits with leading zeros left out, the colons perhaps percent-encoded.
fn parse(header: &str) -> Option<SpanContext> {
    let decoded = percent_decode_str(header).decode_utf8().ok()?;
    let fields: Vec<&str> = decoded.split(':').collect();
    let [trace, span, _, flags] = fields.as_slice() else {
        return None;
    };
    let trace = TraceId::from(hex(trace, 32)?);
    let span = SpanId::from(u64::try_from(hex(span, 16)?).ok()?);
    let flags = u8::try_from(hex(flags, 2)?).ok()?;
    let flags = if flags & JAEGER_DEBUG != 0 {
        TraceFlags::SAMPLED | DEBUG
    } else {
        TraceFlags::new(flags) & TraceFlags::SAMPLED
    };
    let span = SpanContext::new(trace, span, flags, true, TraceState::NONE);
    span.is_valid().then_some(span)
}

fn hex(digits: &str, max_len: usize) -> Option<u128> {
    let plain = !digits.is_empty()
        && digits.len() <= max_len
        && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain
        .then(|| u128::from_str_radix(digits, 16).ok())
        .flatten()
}
