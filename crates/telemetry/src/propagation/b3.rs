//! B3 (<https://github.com/openzipkin/b3-propagation>): the crate
//! `opentelemetry-propagator-b3`, with the flags of OpenTelemetry's specification.
//!
//! By itself, that crate reads `d` (debug) as not sampled, keeps "no decision yet"
//! in the bit that Trace Context calls `random`, writes all headers if only the
//! single one is configured, and sends "do not sample" if there is no trace.

use opentelemetry::Context;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{SpanContext, TraceContextExt, TraceFlags};
use opentelemetry_propagator_b3::{B3Encoding, Propagator};

use super::trace_context::RANDOM;

/// The crate's bit for a debug trace. It is passed on with the trace.
const DEBUG: TraceFlags = TraceFlags::new(0x04);

/// The propagator. It reads both encodings, the single header first, and writes its own.
#[derive(Debug)]
pub(super) struct B3(Propagator);

impl B3 {
    /// One `b3` header.
    pub(super) fn single() -> Self {
        Self(Propagator::with_encoding(B3Encoding::SingleHeader))
    }

    /// The `X-B3-*` headers.
    pub(super) fn multi() -> Self {
        Self(Propagator::with_encoding(B3Encoding::MultipleHeader))
    }
}

impl TextMapPropagator for B3 {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        let span = context.span();
        let span = span.span_context();
        if span.is_valid() {
            let flags = TraceFlags::new(span.trace_flags().to_u8() & !RANDOM.to_u8());
            let context = context.with_remote_span_context(with_flags(span, flags));
            let fields: Vec<&str> = self.0.fields().collect();
            self.0
                .inject_context(&context, &mut Only(&fields, injector));
        }
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        let extracted = self
            .0
            .extract_with_context(&Context::new(), &Fields(extractor));
        let span = extracted.span();
        let span = span.span_context();
        if !span.is_valid() {
            return context.clone();
        }
        let flags = if span.trace_flags() & DEBUG == DEBUG {
            TraceFlags::SAMPLED | DEBUG
        } else {
            span.trace_flags() & TraceFlags::SAMPLED
        };
        context.with_remote_span_context(with_flags(span, flags))
    }

    fn fields(&self) -> FieldIter<'_> {
        self.0.fields()
    }
}

fn with_flags(span: &SpanContext, flags: TraceFlags) -> SpanContext {
    SpanContext::new(
        span.trace_id(),
        span.span_id(),
        flags,
        span.is_remote(),
        span.trace_state().clone(),
    )
}

/// Writes only the headers of one encoding.
struct Only<'a>(&'a [&'a str], &'a mut dyn Injector);

impl Injector for Only<'_> {
    fn set(&mut self, key: &str, value: String) {
        if self.0.contains(&key) {
            self.1.set(key, value);
        }
    }
}

/// Maps `X-B3-Sampled` values that the crate accepts in one encoding and rejects in
/// the other to `1` and `0`.
struct Fields<'a>(&'a dyn Extractor);

impl Extractor for Fields<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let value = self.0.get(key)?;
        Some(match (key, value) {
            ("x-b3-sampled", "true" | "d") => "1",
            ("x-b3-sampled", "false") => "0",
            _ => value,
        })
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys()
    }
}
