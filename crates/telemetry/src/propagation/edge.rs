//! Which part of a caller's context is accepted: all of it between the system's
//! own services; at the public edge, what the operator allows.

use std::fmt;
use std::str::FromStr;

use opentelemetry::Context;
use opentelemetry::baggage::{Baggage, BaggageExt};
use opentelemetry::trace::{SpanContext, TraceContextExt};

use super::baggage_keys::BaggageKeys;

/// Whether a caller's trace is continued at the public edge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EdgeTrace {
    /// The caller's trace is continued, with its sampling decision.
    #[default]
    Continue,
    /// A new trace starts, sampled by this system's rules, with a link to the caller's span.
    Link,
}

/// The text is not a valid [`EdgeTrace`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("use continue or link")]
pub struct EdgeTraceError;

impl FromStr for EdgeTrace {
    type Err = EdgeTraceError;

    fn from_str(text: &str) -> Result<Self, EdgeTraceError> {
        match text {
            "continue" => Ok(Self::Continue),
            "link" => Ok(Self::Link),
            _ => Err(EdgeTraceError),
        }
    }
}

impl fmt::Display for EdgeTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Continue => "continue",
            Self::Link => "link",
        })
    }
}

/// Which part of a caller's context is accepted.
///
/// The default is for callers from outside: their trace is continued, and none
/// of their baggage is accepted.
#[derive(Clone, Debug, Default)]
pub struct Edge {
    trace: EdgeTrace,
    baggage: BaggageKeys,
}

impl Edge {
    /// For callers from outside: of their baggage, only these keys are accepted.
    pub fn new(trace: EdgeTrace, baggage: BaggageKeys) -> Self {
        Self { trace, baggage }
    }

    /// For the system's own services.
    pub(crate) fn trusted() -> Self {
        Self {
            trace: EdgeTrace::Continue,
            baggage: BaggageKeys::all(),
        }
    }

    /// Accepts the part of a caller's context that the policy allows.
    pub(crate) fn accept(&self, caller: Context) -> Accepted {
        let accepted = caller.baggage().iter();
        let accepted = accepted.filter(|(key, _)| self.baggage.contains(key.as_str()));
        let accepted = accepted.map(|(key, entry)| (key.clone(), entry.clone()));
        let baggage: Baggage = accepted.collect();
        let (context, link) = match self.trace {
            EdgeTrace::Continue => (caller, None),
            EdgeTrace::Link => {
                let span = caller.span().span_context().clone();
                (Context::new(), Some(span).filter(SpanContext::is_valid))
            }
        };
        let context = if baggage.len() == context.baggage().len() {
            context
        } else {
            context.with_baggage(baggage)
        };
        Accepted { context, link }
    }
}

/// The accepted part of a caller's context.
#[derive(Debug)]
pub(crate) struct Accepted {
    /// The parent of the SERVER span, with the baggage that is passed on.
    pub(crate) context: Context,
    /// The caller's span, if the trace is linked to it and not continued.
    pub(crate) link: Option<SpanContext>,
}
