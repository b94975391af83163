//! What of a caller's context is let in: everything between the system's own
//! services, what the operator allows at the public edge.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use opentelemetry::baggage::{Baggage, BaggageExt, BaggageMetadata};
use opentelemetry::trace::{SpanContext, TraceContextExt};
use opentelemetry::{Context, Key, StringValue};

/// What becomes of a caller's trace at the public edge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EdgeTrace {
    /// The caller's trace is continued, with its sampling decision.
    #[default]
    Continue,
    /// A trace of our own starts, sampled by our own rules, with a link to the caller's span.
    Link,
}

/// The text is no [`EdgeTrace`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} must be continue or link")]
pub struct EdgeTraceError(String);

impl FromStr for EdgeTrace {
    type Err = EdgeTraceError;

    fn from_str(text: &str) -> Result<Self, EdgeTraceError> {
        match text {
            "continue" => Ok(Self::Continue),
            "link" => Ok(Self::Link),
            _ => Err(EdgeTraceError(text.to_owned())),
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

/// The policy of one edge.
#[derive(Clone, Debug)]
pub struct Edge {
    trace: EdgeTrace,
    baggage: Allowed,
}

/// The keys of the baggage that is let in.
#[derive(Clone, Debug)]
enum Allowed {
    All,
    /// Most edges; to copy it counts no reference.
    None,
    Only(Arc<[String]>),
}

impl Allowed {
    fn allows(&self, key: &Key) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Only(keys) => keys.iter().any(|allowed| allowed == key.as_str()),
        }
    }
}

impl Edge {
    /// For callers from outside: of their baggage, only these keys are let in.
    pub fn new(trace: EdgeTrace, baggage_keys: Vec<String>) -> Self {
        Self {
            trace,
            baggage: if baggage_keys.is_empty() {
                Allowed::None
            } else {
                Allowed::Only(baggage_keys.into())
            },
        }
    }

    /// For the system's own services.
    pub(crate) fn trusted() -> Self {
        Self {
            trace: EdgeTrace::Continue,
            baggage: Allowed::All,
        }
    }

    /// Lets in what the policy allows of a caller's context.
    pub(crate) fn admit(&self, caller: Context) -> Admitted {
        let allowed = self.allowed(caller.baggage());
        let filtered = allowed.len() < caller.baggage().len();
        let (mut context, link) = match self.trace {
            EdgeTrace::Continue => (caller, None),
            EdgeTrace::Link => {
                let span = caller.span().span_context().clone();
                (Context::new(), Some(span).filter(SpanContext::is_valid))
            }
        };
        if filtered || self.trace == EdgeTrace::Link && !allowed.is_empty() {
            context = context.with_baggage(allowed.iter().cloned().collect::<Baggage>());
        }
        Admitted {
            context,
            link,
            baggage: allowed,
        }
    }

    fn allowed(&self, baggage: &Baggage) -> Vec<Entry> {
        baggage
            .iter()
            .filter(|(key, _)| self.baggage.allows(key))
            .map(|(key, entry)| (key.clone(), entry.clone()))
            .collect()
    }
}

/// One entry of baggage: its key, its value and its properties.
pub(crate) type Entry = (Key, (StringValue, BaggageMetadata));

/// What was let in.
#[derive(Debug)]
pub(crate) struct Admitted {
    /// The parent of the server's span, and the baggage that travels on.
    pub(crate) context: Context,
    /// The caller's span, where the trace is linked to it and not continued.
    pub(crate) link: Option<SpanContext>,
    /// The baggage that travels on, for the span's attributes.
    pub(crate) baggage: Vec<Entry>,
}
