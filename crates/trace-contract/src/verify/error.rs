//! Why a trace was not found to satisfy its contract: it differs, it never came,
//! or it could not be read.

use std::fmt;
use std::time::Duration;

use crate::check::Mismatch;
use crate::ids::TraceId;
use crate::jaeger::JaegerError;
use crate::model::Trace;
use crate::report::plural;

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
