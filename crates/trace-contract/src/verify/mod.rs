//! Waits until a trace is complete and satisfies its contract.

mod error;
mod settled;
#[cfg(test)]
mod tests;

use std::time::Duration;

use tokio::time::Instant;

pub use error::VerifyError;
pub use settled::{Evidence, Settled};

use crate::check::{CheckError, Expectation, Mismatch};
use crate::contract::Contract;
use crate::ids::TraceId;
use crate::model::Trace;
use crate::source::{NextRead, Source};

/// How long to wait for a trace that further spans are unlikely to correct.
const FINAL_MISMATCH_TIMEOUT: Duration = Duration::from_secs(3);
/// A check that starts just before the deadline has at least this much time.
const MIN_CHECK_TIME: Duration = Duration::from_secs(2);

/// Waits until the trace satisfies the contract and nothing has arrived for
/// [`Expectation::settle`]: a later batch may contain an extra span.
///
/// Returns before `timeout` if further spans are unlikely to correct the trace, but never
/// before it has settled.
///
/// # Errors
/// [`VerifyError::Differs`] with the remaining differences; the other variants when the
/// trace could not be compared.
pub async fn verify(
    source: &Source,
    trace_id: TraceId,
    contract: &Contract,
    expectation: &Expectation,
    timeout: Duration,
) -> Result<Settled, VerifyError> {
    wait_for(
        source,
        trace_id,
        expectation,
        timeout,
        |trace, deadline| match contract.check_until(trace, expectation, Some(deadline.into_std()))
        {
            Ok(()) => Outcome::Satisfied,
            Err(CheckError::Differs(mismatch)) => Outcome::Differs(mismatch),
            Err(CheckError::OutOfTime) => Outcome::OutOfTime,
        },
    )
    .await
}

impl Source {
    /// Waits until spans of the trace have arrived, and nothing more for
    /// [`Expectation::settle`].
    ///
    /// # Errors
    /// When no span arrives within `timeout`, spans still arrive after it, or the query
    /// fails.
    pub async fn settled_trace(
        &self,
        id: TraceId,
        expectation: &Expectation,
        timeout: Duration,
    ) -> Result<Settled, VerifyError> {
        wait_for(self, id, expectation, timeout, |trace, _| {
            if trace.spans().is_empty() {
                Outcome::NothingArrived
            } else {
                Outcome::Satisfied
            }
        })
        .await
    }
}

enum Outcome {
    Satisfied,
    Differs(Box<Mismatch>),
    NothingArrived,
    OutOfTime,
}

/// The trace as it was last read, and since when it has been unchanged.
struct Seen {
    trace: Trace,
    outcome: Outcome,
    since: Instant,
}

async fn wait_for(
    source: &Source,
    id: TraceId,
    expectation: &Expectation,
    timeout: Duration,
    check: impl Fn(&Trace, Instant) -> Outcome,
) -> Result<Settled, VerifyError> {
    let started_at = Instant::now();
    let limits = Limits {
        deadline: started_at + timeout,
        settle: expectation.settle,
    };
    let mut next_read = NextRead::of(source);
    let mut last: Option<Seen> = None;
    loop {
        // What is read may be as old as the start of the read.
        let read_at = Instant::now();
        let trace = match source.trace(id).await {
            Ok(trace) => trace.unwrap_or_else(|| Trace::new(id, [])),
            Err(cause) if read_at < limits.deadline && cause.is_transient() => {
                next_read.wait(limits.deadline).await;
                continue;
            }
            Err(cause) => {
                let waited = started_at.elapsed();
                return Err(VerifyError::NotChecked { cause, waited });
            }
        };
        let seen = match last.take() {
            Some(seen) if seen.trace == trace => seen,
            _ => Seen {
                outcome: check(&trace, limits.check_deadline()),
                trace,
                // After the check, during which nothing was read.
                since: Instant::now(),
            },
        };
        if let Some(evidence) = complete(source, expectation, &seen.trace) {
            return seen.finish(evidence, started_at.elapsed());
        }
        let final_at = limits.final_at(&seen);
        if read_at >= final_at {
            let quiet = read_at.saturating_duration_since(seen.since);
            if quiet < limits.settle && matches!(seen.outcome, Outcome::Satisfied) {
                return Err(VerifyError::StillChanging {
                    spans: seen.trace.spans().len(),
                    waited: started_at.elapsed(),
                });
            }
            return seen.finish(Evidence::Quiet(quiet), started_at.elapsed());
        }
        last = Some(seen);
        next_read.wait(final_at).await;
    }
}

/// Evidence that nothing more can arrive, without a wait.
fn complete(source: &Source, expectation: &Expectation, trace: &Trace) -> Option<Evidence> {
    if matches!(source, Source::File(_)) {
        return Some(Evidence::File);
    }
    let is_existing = expectation.caller.is_none() && expectation.parent.is_none();
    Evidence::of_age(trace).filter(|_| is_existing)
}

struct Limits {
    deadline: Instant,
    settle: Duration,
}

impl Limits {
    /// When a trace that stays unchanged is not waited for any longer.
    fn final_at(&self, seen: &Seen) -> Instant {
        let settled = seen.since + self.settle;
        let final_at = match &seen.outcome {
            // This may be after the deadline: a trace that just became complete must
            // stay unchanged for the same time.
            Outcome::Satisfied => settled,
            Outcome::Differs(_) if seen.trace.spans().is_empty() => self.deadline,
            Outcome::Differs(mismatch) if !mismatch.may_be_incomplete() => {
                let unlikely_to_change = seen.since + FINAL_MISMATCH_TIMEOUT.max(self.settle);
                unlikely_to_change.min(self.deadline.max(settled))
            }
            Outcome::Differs(_) => self.deadline.max(settled),
            Outcome::NothingArrived => self.deadline,
            Outcome::OutOfTime => seen.since,
        };
        // A trace that never stops changing.
        final_at.min(self.deadline + self.settle)
    }

    fn check_deadline(&self) -> Instant {
        self.deadline.max(Instant::now() + MIN_CHECK_TIME)
    }
}

impl Seen {
    fn finish(self, evidence: Evidence, waited: Duration) -> Result<Settled, VerifyError> {
        let trace = self.trace;
        match self.outcome {
            Outcome::Satisfied => Ok(Settled { trace, evidence }),
            Outcome::Differs(mismatch) => Err(VerifyError::Differs {
                mismatch,
                evidence,
                waited,
                trace: Box::new(trace),
            }),
            Outcome::NothingArrived => Err(VerifyError::NothingArrived {
                trace_id: trace.id(),
                evidence,
                waited,
            }),
            Outcome::OutOfTime => Err(VerifyError::OutOfTime {
                spans: trace.spans().len(),
                waited,
            }),
        }
    }
}
