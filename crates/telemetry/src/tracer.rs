//! The tracer of this crate: the SDK's, and what the SDK lacks.
//!
//! - Times come from the trace's [`Anchor`], not from the wall clock.
//! - A trace that starts here has the `random` flag of Trace Context Level 2.
//! - A SERVER span records the baggage of its request, with the lowest priority.

use std::borrow::Cow;
use std::time::SystemTime;

use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::{
    Span as _, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags,
    Tracer as _,
};
use opentelemetry::{Context, KeyValue, trace};
use opentelemetry_sdk::trace::{SdkTracer, Span as SdkSpan, SpanData};

use crate::clock::Anchor;
use crate::propagation::caller_state::{self, DEBUG};
use crate::propagation::{KNOWN_FLAGS, RANDOM, is_reserved};

/// Makes [`Span`]s.
#[derive(Clone, Debug)]
pub(crate) struct Tracer(SdkTracer);

impl Tracer {
    pub(crate) fn new(tracer: SdkTracer) -> Self {
        Self(tracer)
    }

    /// Starts a span with the anchor of its trace.
    pub(crate) fn start_at(
        &self,
        mut builder: SpanBuilder,
        parent: &Context,
        anchor: Anchor,
    ) -> Span {
        let start = match builder.start_time {
            Some(stamp) => anchor.start_time(stamp),
            None => anchor.time(),
        };
        builder.start_time = Some(start);
        // tracing-opentelemetry starts a span when it is entered, maybe after events.
        for event in builder.events.iter_mut().flatten() {
            event.timestamp = anchor.time_of(event.timestamp, start);
        }
        let mut baggage = match builder.span_kind {
            Some(SpanKind::Server) => recorded_baggage(parent),
            _ => Vec::new(),
        };
        if let (Some(own), false) = (&builder.attributes, baggage.is_empty()) {
            baggage.retain(|entry| own.iter().all(|it| it.key != entry.key));
        }
        let inner = self.0.build_with_context(builder, parent);
        Span {
            context: span_context(parent, &inner),
            inner,
            anchor,
            start,
            baggage,
        }
    }
}

impl trace::Tracer for Tracer {
    type Span = Span;

    fn build_with_context(&self, builder: SpanBuilder, parent: &Context) -> Span {
        let anchor = Anchor::of(parent).unwrap_or_else(Anchor::now);
        self.start_at(builder, parent, anchor)
    }
}

/// The baggage as attributes under its own keys, as OpenTelemetry's baggage span
/// processor records it, but without the keys that have a meaning in telemetry.
fn recorded_baggage(context: &Context) -> Vec<KeyValue> {
    let baggage = context.baggage().iter();
    baggage
        .filter(|(key, _)| !is_reserved(key.as_str()))
        .map(|(key, (value, _))| KeyValue::new(key.clone(), value.clone()))
        .collect()
}

/// The context of a span that the SDK has started, with the flags that describe its
/// trace. The SDK clears them if it does not record the span, and does not know that
/// its ids are random (Trace Context Level 2, section 3.2.2.5.2).
fn span_context(parent: &Context, span: &SdkSpan) -> SpanContext {
    let context = span.span_context();
    let parent_span = parent.span();
    let parent_span = parent_span.span_context();
    let of_trace = if parent_span.is_valid() {
        parent_span.trace_flags() & RANDOM
    } else {
        RANDOM | caller_state::decision(parent).unwrap_or_default() & DEBUG
    };
    let flags = context.trace_flags();
    // Without the decision to sample, `debug` would contradict it.
    let of_trace = if flags.is_sampled() {
        of_trace
    } else {
        of_trace & RANDOM
    };
    with_flags(context, flags | of_trace)
}

/// Corrects the flags of a span that is exported: those of Trace Context.
pub(crate) fn correct_flags(span: &mut SpanData) {
    let is_root = span.parent_span_id == SpanId::INVALID;
    let flags = span.span_context.trace_flags();
    let corrected = flags & KNOWN_FLAGS
        | if is_root {
            RANDOM
        } else {
            TraceFlags::default()
        };
    if corrected != flags {
        span.span_context = with_flags(&span.span_context, corrected);
    }
}

fn with_flags(context: &SpanContext, flags: TraceFlags) -> SpanContext {
    SpanContext::new(
        context.trace_id(),
        context.span_id(),
        flags,
        context.is_remote(),
        context.trace_state().clone(),
    )
}

/// A span of this process.
#[derive(Debug)]
pub(crate) struct Span {
    inner: SdkSpan,
    context: SpanContext,
    anchor: Anchor,
    start: SystemTime,
    /// Becomes attributes at the end: a caller must not change an attribute that this
    /// process sets, and not take its place when the number of attributes is limited.
    baggage: Vec<KeyValue>,
}

impl Span {
    fn end_at(&mut self, time: SystemTime) {
        for entry in std::mem::take(&mut self.baggage) {
            self.inner.set_attribute(entry);
        }
        self.inner.end_with_timestamp(time.max(self.start));
    }
}

impl trace::Span for Span {
    fn add_event_with_timestamp<T>(
        &mut self,
        name: T,
        timestamp: SystemTime,
        attributes: Vec<KeyValue>,
    ) where
        T: Into<Cow<'static, str>>,
    {
        if self.inner.is_recording() {
            let time = self.anchor.time_of(timestamp, self.start);
            self.inner.add_event_with_timestamp(name, time, attributes);
        }
    }

    fn span_context(&self) -> &SpanContext {
        &self.context
    }

    fn is_recording(&self) -> bool {
        self.inner.is_recording()
    }

    fn set_attribute(&mut self, attribute: KeyValue) {
        if !self.baggage.is_empty() {
            self.baggage.retain(|entry| entry.key != attribute.key);
        }
        self.inner.set_attribute(attribute);
    }

    fn set_status(&mut self, status: Status) {
        self.inner.set_status(status);
    }

    fn update_name<T>(&mut self, new_name: T)
    where
        T: Into<Cow<'static, str>>,
    {
        self.inner.update_name(new_name);
    }

    fn add_link(&mut self, span_context: SpanContext, attributes: Vec<KeyValue>) {
        self.inner.add_link(span_context, attributes);
    }

    fn end_with_timestamp(&mut self, timestamp: SystemTime) {
        if self.inner.is_recording() {
            self.end_at(self.anchor.time_of(timestamp, self.start));
        }
    }
}

impl Drop for Span {
    /// A span that was not ended ends now.
    fn drop(&mut self) {
        if self.inner.is_recording() {
            self.end_at(self.anchor.time());
        }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::baggage::KeyValueMetadata;
    use opentelemetry::trace::{TraceId, TraceState, TracerProvider};
    use opentelemetry_sdk::trace::SdkTracerProvider;

    use super::*;
    use crate::config::SamplerKind;
    use crate::finished_spans::FinishedSpans;
    use crate::sampling;

    fn tracer(max_attributes: u32, sampler: SamplerKind) -> (Tracer, FinishedSpans) {
        let spans = FinishedSpans::default();
        let provider = SdkTracerProvider::builder()
            .with_sampler(sampling::sampler(sampler))
            .with_max_attributes_per_span(max_attributes)
            .with_span_processor(spans.clone())
            .build();
        (Tracer::new(provider.tracer("test")), spans)
    }

    fn parent(flags: u8) -> Context {
        let (trace, span) = (TraceId::from(7), SpanId::from(8));
        let flags = TraceFlags::new(flags);
        let parent = SpanContext::new(trace, span, flags, true, TraceState::NONE);
        Context::new().with_remote_span_context(parent)
    }

    #[test]
    fn a_trace_that_starts_here_is_random_and_a_callers_flags_are_kept() {
        use SamplerKind::{AlwaysOff, AlwaysOn, ParentBasedAlwaysOff, ParentBasedAlwaysOn};
        for (sampler, caller, expected) in [
            (ParentBasedAlwaysOn, None, 0x03),
            (ParentBasedAlwaysOff, None, 0x02),
            (AlwaysOn, None, 0x03),
            (AlwaysOff, None, 0x02),
            (ParentBasedAlwaysOn, Some(0x00), 0x00),
            (ParentBasedAlwaysOn, Some(0x01), 0x01),
            (ParentBasedAlwaysOn, Some(0x02), 0x02),
            (ParentBasedAlwaysOn, Some(0x03), 0x03),
            (AlwaysOn, Some(0x00), 0x01),
            (AlwaysOn, Some(0x02), 0x03),
            (AlwaysOff, Some(0x01), 0x00),
            (AlwaysOff, Some(0x03), 0x02),
        ] {
            let (tracer, spans) = tracer(128, sampler);
            let parent = caller.map_or_else(Context::new, parent);
            let root = tracer.start_with_context("root", &parent);
            let context = parent.with_span(root);
            let child = tracer.start_with_context("child", &context);
            for flags in [
                context.span().span_context().trace_flags(),
                child.span_context().trace_flags(),
            ] {
                let case = format!("{sampler:?} with the caller's flags {caller:?}");
                assert_eq!(flags, TraceFlags::new(expected), "{case}");
            }
            drop((child, context));
            for span in spans.all() {
                let flags = span.span_context.trace_flags();
                assert_eq!(flags, TraceFlags::new(expected), "exported: {sampler:?}");
            }
        }
    }

    #[test]
    fn the_attributes_of_a_span_have_priority_over_baggage() {
        let sent = [
            ("at start", "evil"),
            ("later", "evil"),
            ("tenant", "blue"),
            ("error.type", "evil"),
        ];
        let sent = sent.map(|(key, value)| KeyValueMetadata::new(key.replace(' ', "."), value, ""));
        let context = Context::new().with_baggage(sent);
        for (room, expected) in [
            (128, vec!["at.start=ok", "later=ok", "tenant=blue"]),
            (2, vec!["at.start=ok", "later=ok"]),
        ] {
            let (tracer, spans) = tracer(room, SamplerKind::AlwaysOn);
            let builder = SpanBuilder::from_name("request")
                .with_kind(SpanKind::Server)
                .with_attributes([KeyValue::new("at.start", "ok")]);
            let mut span = tracer.build_with_context(builder, &context);
            span.set_attribute(KeyValue::new("later", "ok"));
            span.end();
            let attributes: Vec<String> = spans.all()[0]
                .attributes
                .iter()
                .map(|it| format!("{}={}", it.key, it.value))
                .collect();
            assert_eq!(attributes, expected, "with room for {room}");
        }
    }
}
