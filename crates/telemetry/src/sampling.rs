//! Spans that are sampled out should cost next to nothing, so what the sampler
//! will say is foreseen where that can be done without asking it, and
//! attributes are made only for spans that may be recorded.

use opentelemetry::trace::{Span, SpanBuilder, SpanContext, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{Sampler, SdkTracer, Span as SdkSpan};

use crate::config::SamplerKind;
use crate::global;
use crate::propagation::RANDOM;

/// What the sampler will decide for a span with a given parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SamplingHint {
    /// It will be recorded: give it all attributes at its start.
    Record,
    /// It will not.
    Drop,
    /// The trace id decides, which is not known before the span has started.
    Unknown,
}

impl SamplingHint {
    /// The hint for a child of this context's span, or for a root.
    pub(crate) fn of(parent: &Context) -> Self {
        let span = parent.span();
        let parent = span.span_context();
        Self::by(
            global::sampler(),
            parent.is_valid().then(|| parent.is_sampled()),
        )
    }

    fn by(sampler: SamplerKind, parent_sampled: Option<bool>) -> Self {
        use SamplerKind as Kind;
        match (sampler, parent_sampled) {
            (Kind::AlwaysOn, _)
            | (Kind::ParentBasedAlwaysOn, None)
            | (
                Kind::ParentBasedAlwaysOn
                | Kind::ParentBasedAlwaysOff
                | Kind::ParentBasedTraceIdRatio(_),
                Some(true),
            ) => Self::Record,
            (Kind::TraceIdRatio(_), _) | (Kind::ParentBasedTraceIdRatio(_), None) => Self::Unknown,
            _ => Self::Drop,
        }
    }
}

/// Starts a span as a child of `parent` and returns the context that holds it.
pub(crate) fn start(
    tracer: &SdkTracer,
    mut builder: SpanBuilder,
    parent: &Context,
    hint: SamplingHint,
    attributes: impl FnOnce() -> Vec<KeyValue>,
) -> Context {
    match hint {
        SamplingHint::Record => {
            builder.attributes = Some(attributes());
            parent.with_span(tracer.build_with_context(builder, parent))
        }
        SamplingHint::Drop => unrecorded(parent, tracer.build_with_context(builder, parent)),
        SamplingHint::Unknown => {
            let mut span = tracer.build_with_context(builder, parent);
            if span.is_recording() {
                span.set_attributes(attributes());
                parent.with_span(span)
            } else {
                unrecorded(parent, span)
            }
        }
    }
}

/// The context of a span that is not recorded. The SDK clears all its flags, but
/// `random` belongs to the trace id, which goes on (Trace Context Level 2, section 3.2.2.5.2).
fn unrecorded(parent: &Context, span: SdkSpan) -> Context {
    if parent.span().span_context().trace_flags() & RANDOM != RANDOM {
        return parent.with_span(span);
    }
    let context = span.span_context();
    let flags = context.trace_flags() | RANDOM;
    let state = context.trace_state().clone();
    let context = SpanContext::new(context.trace_id(), context.span_id(), flags, false, state);
    parent.with_remote_span_context(context)
}

/// The SDK's sampler for a setting.
pub(crate) fn sampler(kind: SamplerKind) -> Sampler {
    let parent_based = |root: Sampler| Sampler::ParentBased(Box::new(root));
    match kind {
        SamplerKind::AlwaysOn => Sampler::AlwaysOn,
        SamplerKind::AlwaysOff => Sampler::AlwaysOff,
        SamplerKind::TraceIdRatio(ratio) => Sampler::TraceIdRatioBased(ratio),
        SamplerKind::ParentBasedAlwaysOn => parent_based(Sampler::AlwaysOn),
        SamplerKind::ParentBasedAlwaysOff => parent_based(Sampler::AlwaysOff),
        SamplerKind::ParentBasedTraceIdRatio(ratio) => {
            parent_based(Sampler::TraceIdRatioBased(ratio))
        }
    }
}
