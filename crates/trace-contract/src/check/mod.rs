//! Does a trace satisfy a contract? The tree of the contract is laid over the
//! tree of the spans, so that as little as possible differs, and what still
//! differs is told, the most telling first.

mod align;
mod assign;
mod clock;
mod difference;
mod fields;
mod forest;
mod mismatch;
mod moved;
mod sentences;

#[cfg(test)]
mod tests;

use std::time::Duration;

pub use difference::{Difference, DifferenceKind};
pub use mismatch::Mismatch;

pub(crate) use align::{Aligned, Alignment};
pub(crate) use difference::Anchor;
pub(crate) use forest::Forest;

use crate::contract::Contract;
use crate::ids::SpanId;
use crate::model::Trace;
use crate::traceparent::TraceParent;

/// What is known of the request whose trace is checked, beside its contract.
///
/// The default expects nothing: the root may have a parent outside of the trace
/// or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// The caller's span, which the root must have as its parent.
    pub parent: Option<SpanId>,
    /// Whether the root must have no parent: the service starts traces of its own.
    pub new_trace: bool,
    /// What the request was sent with, for links `to: caller`.
    pub caller: Option<TraceParent>,
    /// By how much the clocks of different services may be apart before a span
    /// that starts before its parent is a clock running backwards.
    pub clock_skew: Duration,
    /// How long [`crate::verify`] lets a trace that satisfies its contract stand
    /// before it says so: a span too many may come with a later batch.
    pub settle: Duration,
}

/// What two hosts that keep their time by NTP may be apart.
const DEFAULT_CLOCK_SKEW: Duration = Duration::from_millis(100);

/// Most services send the spans of a request at the same time.
pub(crate) const DEFAULT_SETTLE: Duration = Duration::from_millis(500);

impl Default for Expectation {
    fn default() -> Self {
        Self {
            parent: None,
            new_trace: false,
            caller: None,
            clock_skew: DEFAULT_CLOCK_SKEW,
            settle: DEFAULT_SETTLE,
        }
    }
}

impl Expectation {
    /// The request was sent with this `traceparent`, and its trace goes on.
    pub fn continues(caller: &TraceParent) -> Self {
        Self {
            parent: Some(caller.span_id()),
            caller: Some(*caller),
            ..Self::default()
        }
    }

    /// The request was sent with this `traceparent`, and its trace is one of the
    /// service's own, which may be linked to the caller's.
    pub fn starts_anew(caller: &TraceParent) -> Self {
        Self {
            new_trace: true,
            caller: Some(*caller),
            ..Self::default()
        }
    }

    /// The request was sent without a `traceparent` that can be used: the root
    /// has no parent.
    pub fn without_caller() -> Self {
        Self {
            new_trace: true,
            ..Self::default()
        }
    }
}

impl Contract {
    /// Whether `trace` is as this contract and `expectation` say.
    ///
    /// # Errors
    /// With all that differs, and a report that fits on a screen.
    pub fn check(&self, trace: &Trace, expectation: &Expectation) -> Result<(), Mismatch> {
        let alignment = align::align(self.root(), trace, expectation);
        let mut differences = sentences::collect(&alignment, trace, expectation);
        differences.extend(clock::backwards(trace, expectation.clock_skew));
        if differences.is_empty() {
            return Ok(());
        }
        Err(Mismatch::new(trace, &alignment, differences))
    }
}
