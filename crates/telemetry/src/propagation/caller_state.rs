//! Sampling states of a caller that the flags of a span context cannot express. B3
//! and Jaeger have them; Trace Context does not.

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId};

/// A debug trace of B3 or Jaeger, which is also sampled. The bit stays in the flags of
/// this process's spans. It is not a flag of Trace Context and is not sent as one.
pub(crate) const DEBUG: TraceFlags = TraceFlags::new(0x04);

/// A state that is kept in the context next to the caller's span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CallerState {
    /// B3 "defer": this span is the parent, and the receiver decides.
    Deferred(TraceId, SpanId),
    /// A decision without ids: it holds for the trace that starts here.
    WithoutIds(TraceFlags),
}

/// The context with `span` as the remote parent whose caller made no decision.
pub(super) fn with_deferred(context: &Context, span: SpanContext) -> Context {
    context
        .with_value(CallerState::Deferred(span.trace_id(), span.span_id()))
        .with_remote_span_context(span)
}

/// The context with a decision for the trace that starts in it. If the context already
/// has a caller's span, that one decides.
pub(super) fn with_decision(context: &Context, flags: TraceFlags) -> Context {
    if context.span().span_context().is_valid() {
        return context.clone();
    }
    context.with_value(CallerState::WithoutIds(flags))
}

/// The decision of a span's parent, for a child that starts in `parent`: the flags of
/// the parent, or those that were sent without ids. `None` if the sampler of a root
/// span decides.
pub(crate) fn decision(parent: &Context) -> Option<TraceFlags> {
    let span = parent.span();
    let span = span.span_context();
    match (span.is_valid(), span.is_remote()) {
        (true, true) if is_deferred(parent, span) => None,
        (true, _) => Some(span.trace_flags()),
        (false, _) => match parent.get() {
            Some(CallerState::WithoutIds(flags)) => Some(*flags),
            _ => None,
        },
    }
}

/// Whether this is the span of a caller that made no decision.
pub(super) fn is_deferred(context: &Context, span: &SpanContext) -> bool {
    context.get() == Some(&CallerState::Deferred(span.trace_id(), span.span_id()))
}
