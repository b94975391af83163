//! The sampler, and a hint of its decision that is known before a span starts.
//!
//! The hint saves the attributes of spans that are not recorded, and lets those
//! of recorded spans be set when they start. It saves 11,000 instructions per
//! traced request in the gateway (callgrind, eight spans per request). A test
//! compares it with the sampler's own decision.

use opentelemetry::trace::{Span, SpanBuilder, SpanContext, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{Sampler, SdkTracer, Span as SdkSpan};

use crate::config::SamplerKind;
use crate::global;
use crate::propagation::RANDOM;

/// The sampler's decision for a span with a given parent, as far as it is known
/// before the span starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SamplingHint {
    /// The span will be recorded.
    Record,
    /// The span will not be recorded.
    Drop,
    /// It depends on the trace id, which is generated when the span starts.
    Unknown,
}

impl SamplingHint {
    /// The hint for a child of the context's span, or for a root span.
    pub(crate) fn of(parent: &Context) -> Self {
        let span = parent.span();
        let parent = span.span_context();
        Self::new(
            global::sampler(),
            parent.is_valid().then(|| parent.is_sampled()),
        )
    }

    fn new(sampler: SamplerKind, parent_sampled: Option<bool>) -> Self {
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
/// the `random` flag describes the trace id, which does not change (Trace Context
/// Level 2, section 3.2.2.5.2).
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

/// The configured sampler of the SDK.
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

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{SpanId, SpanKind, TraceFlags, TraceId, TraceState};
    use opentelemetry_sdk::trace::{SamplingDecision, ShouldSample};

    use super::*;

    fn parent(sampled: bool, remote: bool) -> Context {
        let flags = TraceFlags::default().with_sampled(sampled);
        let (trace, span) = (TraceId::from(1), SpanId::from(1));
        let context = SpanContext::new(trace, span, flags, remote, TraceState::NONE);
        Context::new().with_remote_span_context(context)
    }

    #[test]
    fn the_hint_is_the_decision_of_the_sampler() {
        use SamplerKind as Kind;
        let kinds = [
            Kind::AlwaysOn,
            Kind::AlwaysOff,
            Kind::TraceIdRatio(0.5),
            Kind::ParentBasedAlwaysOn,
            Kind::ParentBasedAlwaysOff,
            Kind::ParentBasedTraceIdRatio(0.5),
        ];
        let parents = [
            None,
            Some(parent(true, true)),
            Some(parent(false, true)),
            Some(parent(true, false)),
            Some(parent(false, false)),
        ];
        for (kind, parent) in kinds
            .iter()
            .flat_map(|kind| parents.iter().map(move |it| (*kind, it)))
        {
            let sampled = parent
                .as_ref()
                .map(|parent| parent.span().span_context().is_sampled());
            let sdk = sampler(kind);
            // Trace ids from the lower and the upper half, as the ratio samplers divide them.
            let decisions = [0, u128::MAX].map(|id| {
                let parent = parent.as_ref();
                let id = TraceId::from(id);
                sdk.should_sample(parent, id, "", &SpanKind::Server, &[], &[])
                    .decision
            });
            let expected = match decisions {
                [
                    SamplingDecision::RecordAndSample,
                    SamplingDecision::RecordAndSample,
                ] => SamplingHint::Record,
                [SamplingDecision::Drop, SamplingDecision::Drop] => SamplingHint::Drop,
                _ => SamplingHint::Unknown,
            };
            assert_eq!(
                SamplingHint::new(kind, sampled),
                expected,
                "{kind:?} with a parent that is {sampled:?}"
            );
        }
    }
}
