//! Why a trace was not verified: it differs, did not arrive, or could not be read.

use std::fmt;
use std::time::Duration;

use crate::check::Mismatch;
use crate::ids::TraceId;
use crate::model::Trace;
use crate::query::QueryError;
use crate::text::plural;

const HINT: &str = "hint: does the service continue the trace of traceparent, sample it, and \
                    export it to where it is read from?";

/// Why a trace was not verified.
#[derive(Debug)]
pub enum VerifyError {
    /// The trace differs from the contract, or no span of it arrived.
    Differs {
        /// The differences.
        mismatch: Box<Mismatch>,
        /// How long the trace was waited for.
        waited: Duration,
        /// The trace as it was last read.
        trace: Box<Trace>,
    },
    /// No span arrived, and there is no contract to compare with.
    NothingArrived {
        /// The id of the trace.
        trace_id: TraceId,
        /// How long the trace was waited for.
        waited: Duration,
    },
    /// The trace could not be read.
    NotChecked {
        /// The cause.
        cause: QueryError,
        /// How long reading was tried.
        waited: Duration,
    },
}

impl VerifyError {
    /// Whether the trace differs from the contract. Otherwise, it was not compared.
    pub fn differs(&self) -> bool {
        matches!(self, Self::Differs { .. })
    }

    /// The differences, if the trace differs.
    pub fn mismatch(&self) -> Option<&Mismatch> {
        match self {
            Self::Differs { mismatch, .. } => Some(mismatch),
            _ => None,
        }
    }

    /// The trace as it was last read, if it differs.
    pub fn trace(&self) -> Option<&Trace> {
        match self {
            Self::Differs { trace, .. } => Some(trace),
            _ => None,
        }
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Differs {
                mismatch,
                waited,
                trace,
            } => {
                write!(f, "{mismatch}")?;
                // There is no wait for a file.
                if *waited >= Duration::from_millis(1) {
                    let spans = plural(trace.spans().len(), "span");
                    write!(
                        f,
                        "\nwaited {waited:.1?} for the trace to satisfy its contract; last saw {spans}"
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
                write!(
                    f,
                    "could not read the trace, tried for {waited:.1?}: {cause}"
                )
            }
        }
    }
}

impl std::error::Error for VerifyError {}
