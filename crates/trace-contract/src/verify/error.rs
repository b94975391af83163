//! Why a trace was not verified: it differs, did not arrive, or could not be read.

use std::fmt;
use std::time::Duration;

use super::settled::Evidence;
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
        /// How long nothing had arrived.
        evidence: Evidence,
        /// How long the trace was waited for.
        waited: Duration,
        /// The trace as it was last read.
        trace: Box<Trace>,
    },
    /// No span arrived, and there is no contract to compare with.
    NothingArrived {
        /// The id of the trace.
        trace_id: TraceId,
        /// Whether it was waited for, or the source is a file.
        evidence: Evidence,
        /// How long the trace was waited for.
        waited: Duration,
    },
    /// Spans of the trace still arrived after the timeout.
    StillChanging {
        /// The number of spans so far.
        spans: usize,
        /// How long the trace was waited for.
        waited: Duration,
    },
    /// The check itself took longer than the timeout.
    OutOfTime {
        /// The number of spans.
        spans: usize,
        /// How long the check took, with the wait before it.
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
                evidence,
                waited,
                trace,
            } => {
                write!(f, "{mismatch}")?;
                match evidence {
                    Evidence::Quiet(_) => write!(
                        f,
                        "\nwaited {waited:.1?} for the trace to satisfy its contract; \
                         last saw {}; {evidence}",
                        plural(trace.spans().len(), "span")
                    )?,
                    Evidence::Ended(_) => write!(f, "\ncomplete: {evidence}")?,
                    Evidence::File => {}
                }
                if trace.spans().is_empty() && *evidence != Evidence::File {
                    write!(f, "\n{HINT}")?;
                }
                Ok(())
            }
            Self::NothingArrived {
                trace_id,
                evidence: Evidence::File,
                ..
            } => write!(f, "the file has no span of trace {trace_id}"),
            Self::NothingArrived {
                trace_id, waited, ..
            } => write!(
                f,
                "waited {waited:.1?} for trace {trace_id}; no span of it arrived\n{HINT}"
            ),
            Self::StillChanging { spans, waited } => write!(
                f,
                "waited {waited:.1?}; spans of the trace still arrive, {} so far: use a longer \
                 --timeout, or a shorter --settle",
                plural(*spans, "span")
            ),
            Self::OutOfTime { spans, waited } => write!(
                f,
                "the comparison of {} with the contract was stopped after {waited:.1?}: use a \
                 longer --timeout, or fold equal siblings with `repeat`",
                plural(*spans, "span")
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
