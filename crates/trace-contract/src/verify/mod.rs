//! Waits for a trace to satisfy a contract, wherever the trace is read from.

mod error;
#[cfg(test)]
mod tests;

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::check::{DEFAULT_SETTLE, Expectation, Mismatch};
use crate::contract::Contract;
use crate::ids::TraceId;
use crate::jaeger::{Jaeger, JaegerError};
use crate::model::Trace;
use crate::store::Store;

pub use error::VerifyError;

/// How long a trace that no further span can make good is waited for.
const HOPELESS: Duration = Duration::from_secs(3);
/// How often Jaeger is asked: soon at first, then less often.
const ASK_FIRST: Duration = Duration::from_millis(50);
const ASK_AT_LAST: Duration = Duration::from_secs(1);

/// Where traces are read from.
#[derive(Clone, Debug)]
pub enum Source {
    /// What a [`crate::Receiver`] got, or a file.
    Store(Store),
    /// A Jaeger.
    Jaeger(Jaeger),
}

impl From<Store> for Source {
    fn from(store: Store) -> Self {
        Self::Store(store)
    }
}

impl From<&Store> for Source {
    fn from(store: &Store) -> Self {
        Self::Store(store.clone())
    }
}

impl From<Jaeger> for Source {
    fn from(jaeger: Jaeger) -> Self {
        Self::Jaeger(jaeger)
    }
}

impl Source {
    /// The spans of a trace that are there so far.
    ///
    /// # Errors
    /// When Jaeger cannot be asked.
    pub async fn trace(&self, id: TraceId) -> Result<Option<Trace>, JaegerError> {
        match self {
            Self::Store(store) => Ok(store.trace(id)),
            Self::Jaeger(jaeger) => jaeger.trace(id).await,
        }
    }

    /// Waits until spans of the trace are there and stay the same for a while.
    ///
    /// # Errors
    /// When none came in time, or Jaeger cannot be asked.
    pub async fn settled(&self, id: TraceId, timeout: Duration) -> Result<Trace, VerifyError> {
        verify_by(self, id, timeout, DEFAULT_SETTLE, |trace| {
            if trace.spans().is_empty() {
                Verdict::NothingYet
            } else {
                Verdict::Satisfied
            }
        })
        .await
    }
}

/// Waits until the trace satisfies the contract, and stays so for a short while,
/// in which a span too many would come.
///
/// A trace that no further span can make good is given up before `timeout`.
///
/// # Errors
/// [`VerifyError::Differs`] with what still differs at the end, or
/// [`VerifyError::NotChecked`] when Jaeger could not be asked.
pub async fn verify(
    source: &Source,
    trace_id: TraceId,
    contract: &Contract,
    expectation: &Expectation,
    timeout: Duration,
) -> Result<Trace, VerifyError> {
    verify_by(
        source,
        trace_id,
        timeout,
        expectation.settle,
        |trace| match contract.check(trace, expectation) {
            Ok(()) => Verdict::Satisfied,
            Err(mismatch) => Verdict::Differs(Box::new(mismatch)),
        },
    )
    .await
}

enum Verdict {
    Satisfied,
    Differs(Box<Mismatch>),
    NothingYet,
}

async fn verify_by(
    source: &Source,
    id: TraceId,
    timeout: Duration,
    settle: Duration,
    judge: impl Fn(&Trace) -> Verdict,
) -> Result<Trace, VerifyError> {
    let began = Instant::now();
    let deadline = began + timeout;
    let mut pace = Pace::of(source);
    let mut last: Option<(Trace, Instant)> = None;
    loop {
        let read = source.trace(id).await;
        let now = Instant::now();
        let waited = now - began;
        let trace = match read {
            Ok(trace) => trace.unwrap_or_else(|| Trace::new(id, [])),
            Err(cause) if now < deadline && is_passing(&cause) => {
                pace.wait(None, deadline).await;
                continue;
            }
            Err(cause) => return Err(VerifyError::NotChecked { cause, waited }),
        };
        let since = match &last {
            Some((same, since)) if *same == trace => *since,
            _ => now,
        };
        let verdict = judge(&trace);
        let wake = match &verdict {
            // What is whole may take a little longer than the timeout to prove it.
            Verdict::Satisfied => since + settle,
            Verdict::Differs(mismatch) if !mismatch.may_be_unfinished() => {
                (since + HOPELESS).min(deadline)
            }
            Verdict::Differs(_) | Verdict::NothingYet => deadline,
        };
        if now >= wake {
            return end(verdict, trace, waited);
        }
        last = Some((trace, since));
        pace.wait(Some(wake), deadline.max(wake)).await;
    }
}

fn end(verdict: Verdict, trace: Trace, waited: Duration) -> Result<Trace, VerifyError> {
    match verdict {
        Verdict::Satisfied => Ok(trace),
        Verdict::Differs(mismatch) => Err(VerifyError::Differs {
            mismatch,
            waited,
            trace: Box::new(trace),
        }),
        Verdict::NothingYet => Err(VerifyError::NothingArrived {
            trace_id: trace.id(),
            waited,
        }),
    }
}

/// Jaeger may be starting, or behind a proxy that is; a wrong URL stays wrong.
fn is_passing(error: &JaegerError) -> bool {
    match error {
        JaegerError::Unreachable { .. } => true,
        JaegerError::Refused { status, .. } => status.is_server_error(),
        JaegerError::Url(_) | JaegerError::NotJaeger { .. } => false,
    }
}

/// When to look again: on an arrival in a store, after a while in Jaeger.
enum Pace {
    Arrivals(Store, watch::Receiver<u64>),
    Ask(Duration),
}

impl Pace {
    fn of(source: &Source) -> Self {
        match source {
            Source::Store(store) => Self::Arrivals(store.clone(), store.subscribe()),
            Source::Jaeger(_) => Self::Ask(ASK_FIRST),
        }
    }

    async fn wait(&mut self, wake: Option<Instant>, deadline: Instant) {
        let wake = wake.unwrap_or(deadline);
        match self {
            Self::Arrivals(store, seen) => store.changed(seen, wake).await,
            Self::Ask(interval) => {
                sleep_until((Instant::now() + *interval).min(wake)).await;
                *interval = (*interval * 2).min(ASK_AT_LAST);
            }
        }
    }
}
