//! What the checker knows about the request, in addition to the contract.

use std::time::Duration;

use crate::ids::SpanId;
use crate::traceparent::TraceParent;

/// The clocks of two hosts that are synchronised by NTP differ by less.
const DEFAULT_CLOCK_SKEW: Duration = Duration::from_millis(100);

/// SDKs export every 5 seconds by default (`OTEL_BSP_SCHEDULE_DELAY`).
const DEFAULT_SETTLE: Duration = Duration::from_secs(6);

/// Some stores round to microseconds.
const DEFAULT_SAME_INSTANCE_SKEW: Duration = Duration::from_micros(1);

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
    /// How far the times of spans of one instance may differ. Some runtimes read the
    /// time with a lower resolution for some spans than for others.
    pub same_instance_skew: Duration,
    /// For how long nothing must have arrived before a trace counts as complete: a later
    /// batch may contain a span. It should be longer than the export delay of all
    /// services; the default of 6 seconds is longer than the SDKs' default delay.
    pub settle: Duration,
}

impl Default for Expectation {
    fn default() -> Self {
        Self {
            parent: None,
            new_trace: false,
            caller: None,
            clock_skew: DEFAULT_CLOCK_SKEW,
            same_instance_skew: DEFAULT_SAME_INSTANCE_SKEW,
            settle: DEFAULT_SETTLE,
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
    /// Sets for how long nothing must have arrived before a trace counts as complete.
    pub fn settle(self, settle: Duration) -> Self {
        Self { settle, ..self }
    }
}
