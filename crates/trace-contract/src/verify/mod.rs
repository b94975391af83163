//! Waits until a trace satisfies its contract.

mod error;
#[cfg(test)]
mod tests;

use std::time::Duration;

use tokio::time::Instant;

pub use error::VerifyError;

use crate::check::{DEFAULT_STABLE_FOR, Expectation, Mismatch};
use crate::contract::Contract;
use crate::ids::TraceId;
use crate::model::Trace;
use crate::source::{NextRead, Source};

/// How long to wait for a trace that further spans cannot correct.
const FINAL_MISMATCH_TIMEOUT: Duration = Duration::from_secs(3);

/// Waits until the trace satisfies the contract and stays unchanged for
/// [`Expectation::stable_for`], because a later batch may contain an extra span.
///
/// Returns before `timeout` if further spans cannot correct the trace.
///
/// # Errors
/// [`VerifyError::Differs`] with the remaining differences, or
/// [`VerifyError::NotChecked`] when the query to Jaeger fails.
pub async fn verify(
    source: &Source,
    trace_id: TraceId,
    contract: &Contract,
    expectation: &Expectation,
    timeout: Duration,
) -> Result<Trace, VerifyError> {
    wait_for(
        source,
        trace_id,
        timeout,
        expectation.stable_for,
        |trace| match contract.check(trace, expectation) {
            Ok(()) => Outcome::Satisfied,
            Err(mismatch) => Outcome::Differs(Box::new(mismatch)),
        },
    )
    .await
}

impl Source {
    /// Waits until spans of the trace have arrived and it stays unchanged for a while.
    ///
    /// # Errors
    /// When no span arrives within `timeout`, or the query to Jaeger fails.
    pub async fn stable_trace(&self, id: TraceId, timeout: Duration) -> Result<Trace, VerifyError> {
        wait_for(self, id, timeout, DEFAULT_STABLE_FOR, |trace| {
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
}

async fn wait_for(
    source: &Source,
    id: TraceId,
    timeout: Duration,
    stable_for: Duration,
    check: impl Fn(&Trace) -> Outcome,
) -> Result<Trace, VerifyError> {
    let started_at = Instant::now();
    let deadline = started_at + timeout;
    let mut next_read = NextRead::of(source);
    let mut last: Option<(Trace, Instant)> = None;
    loop {
        let read = source.trace(id).await;
        let now = Instant::now();
        let waited = now - started_at;
        let trace = match read {
            Ok(trace) => trace.unwrap_or_else(|| Trace::new(id, [])),
            Err(cause) if now < deadline && cause.is_transient() => {
                next_read.wait(deadline).await;
                continue;
            }
            Err(cause) => return Err(VerifyError::NotChecked { cause, waited }),
        };
        let unchanged_since = match &last {
            Some((previous, since)) if *previous == trace => *since,
            _ => now,
        };
        let outcome = check(&trace);
        let final_at = match &outcome {
            // This may be after the deadline: a trace that just became complete must
            // stay unchanged for the same time.
            Outcome::Satisfied => unchanged_since + stable_for,
            Outcome::Differs(mismatch) if !mismatch.may_be_incomplete() => {
                (unchanged_since + FINAL_MISMATCH_TIMEOUT).min(deadline)
            }
            Outcome::Differs(_) | Outcome::NothingArrived => deadline,
        };
        if now >= final_at {
            return finish(outcome, trace, waited);
        }
        last = Some((trace, unchanged_since));
        next_read.wait(final_at).await;
    }
}

fn finish(outcome: Outcome, trace: Trace, waited: Duration) -> Result<Trace, VerifyError> {
    match outcome {
        Outcome::Satisfied => Ok(trace),
        Outcome::Differs(mismatch) => Err(VerifyError::Differs {
            mismatch,
            waited,
            trace: Box::new(trace),
        }),
        Outcome::NothingArrived => Err(VerifyError::NothingArrived {
            trace_id: trace.id(),
            waited,
        }),
    }
}
