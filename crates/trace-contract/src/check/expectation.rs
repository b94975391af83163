//! What the checker knows about the request, in addition to the contract.

use std::time::Duration;

use crate::ids::SpanId;
use crate::traceparent::TraceParent;

/// The clocks of two hosts that are synchronised by NTP differ by less.
const DEFAULT_CLOCK_SKEW: Duration = Duration::from_millis(100);

/// Most services export the spans of one request at about the same time.
pub(crate) const DEFAULT_STABLE_FOR: Duration = Duration::from_millis(500);

/// What is known about the request whose trace is checked.
///
/// The default accepts any root: with a parent outside of the trace, or without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// The caller's span, which must be the parent of the root.
    pub parent: Option<SpanId>,
    /// Whether the root must have no parent, because the service starts a new trace.
    pub new_trace: bool,
    /// The `traceparent` that was sent, for links with `to: caller`.
    pub caller: Option<TraceParent>,
    /// How far the clocks of different services may differ. A span may start before
    /// its parent by this much.
    pub clock_skew: Duration,
    /// How long [`crate::verify`] requires a trace that satisfies its contract to
    /// stay unchanged. A later batch may contain an extra span.
    pub stable_for: Duration,
}

impl Default for Expectation {
    fn default() -> Self {
        Self {
            parent: None,
            new_trace: false,
            caller: None,
            clock_skew: DEFAULT_CLOCK_SKEW,
            stable_for: DEFAULT_STABLE_FOR,
        }
    }
}

impl Expectation {
    /// The request was sent with this `traceparent`, and the service continues its trace.
    pub fn continues(caller: &TraceParent) -> Self {
        Self {
            parent: Some(caller.span_id()),
            caller: Some(*caller),
            ..Self::default()
        }
    }

    /// The request was sent with this `traceparent`, and the service starts a new
    /// trace, which may be linked to the caller's.
    pub fn starts_new_trace(caller: &TraceParent) -> Self {
        Self {
            new_trace: true,
            caller: Some(*caller),
            ..Self::default()
        }
    }

    /// The request was sent without a valid `traceparent`: the root has no parent.
    pub fn without_caller() -> Self {
        Self {
            new_trace: true,
            ..Self::default()
        }
    }
}
