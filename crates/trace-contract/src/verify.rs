//! Waits for a trace to satisfy a contract, wherever the trace is read from.

use std::fmt;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::check::{Expectation, Mismatch};
use crate::contract::Contract;
use crate::ids::TraceId;
use crate::jaeger::{Jaeger, JaegerError};
use crate::model::Trace;
use crate::report::plural;
use crate::store::Store;

/// How long a trace must stay as it is before it counts as whole: a span too
/// many may come with a later batch.
const SETTLE_STORE: Duration = Duration::from_millis(250);
const SETTLE_JAEGER: Duration = Duration::from_millis(500);
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
        verify_by(self, id, timeout, |trace| {
            if trace.spans().is_empty() {
                Verdict::NothingYet
            } else {
                Verdict::Satisfied
            }
        })
        .await
    }

    fn settle(&self) -> Duration {
        match self {
            Self::Store(_) => SETTLE_STORE,
            Self::Jaeger(_) => SETTLE_JAEGER,
        }
    }
}

/// Why a trace was not found to satisfy its contract.
#[derive(Debug)]
pub enum VerifyError {
    /// It was there, or should have been, and differs.
    Differs {
        /// What differs.
        mismatch: Box<Mismatch>,
        /// How long it was waited for.
        waited: Duration,
        /// What was seen last.
        trace: Box<Trace>,
    },
    /// No span of it came, where there was no contract to differ from.
    NothingArrived {
        /// The trace that was waited for.
        trace_id: TraceId,
        /// How long it was waited for.
        waited: Duration,
    },
    /// It could not be read.
    NotChecked {
        /// Why.
        cause: JaegerError,
        /// How long it was tried.
        waited: Duration,
    },
}

impl VerifyError {
    /// Whether the trace differs, as opposed to could not be checked.
    pub fn differs(&self) -> bool {
        matches!(self, Self::Differs { .. })
    }

    /// What differs, when that is the error.
    pub fn mismatch(&self) -> Option<&Mismatch> {
        match self {
            Self::Differs { mismatch, .. } => Some(mismatch),
            _ => None,
        }
    }

    /// What was seen last of the trace.
    pub fn trace(&self) -> Option<&Trace> {
        match self {
            Self::Differs { trace, .. } => Some(trace),
            _ => None,
        }
    }
}

/// What it usually is.
const HINT: &str = "hint: does the service take up traceparent, sample the trace, and export to \
                    where it is looked for?";

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Differs {
                mismatch,
                waited,
                trace,
            } => {
                write!(f, "{mismatch}")?;
                // What is in a file is not waited for.
                if *waited >= Duration::from_millis(1) {
                    let spans = plural(trace.spans().len(), "span");
                    write!(
                        f,
                        "\nwaited {waited:.1?} for it to satisfy its contract; last saw {spans}"
                    )?;
                }
                if trace.spans().is_empty() {
                    write!(f, "\n{HINT}")?;
                }
                Ok(())
            }
            Self::NothingArrived { trace_id, waited } => write!(
                f,
                "waited {waited:.1?} for trace {trace_id}; no span of it arrived\n{HINT}"
            ),
            Self::NotChecked { cause, waited } => {
                write!(f, "could not check, tried for {waited:.1?}: {cause}")
            }
        }
    }
}

impl std::error::Error for VerifyError {}

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
    verify_by(source, trace_id, timeout, |trace| {
        match contract.check(trace, expectation) {
            Ok(()) => Verdict::Satisfied,
            Err(mismatch) => Verdict::Differs(Box::new(mismatch)),
        }
    })
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
            Verdict::Satisfied => since + source.settle(),
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
