//! A trace that counts as complete, and the evidence for that.

use std::fmt;
use std::time::{Duration, SystemTime};

use crate::model::Trace;

/// A trace that ended this long ago is complete: many times the delay of every exporter.
const MIN_AGE: Duration = Duration::from_mins(5);

/// A trace that counts as complete.
#[derive(Clone, Debug)]
pub struct Settled {
    /// The trace.
    pub trace: Trace,
    /// Why it counts as complete.
    pub evidence: Evidence,
}

/// Why a trace counts as complete. Displayed as a clause, such as `nothing arrived for
/// 6.0s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// No span of the trace arrived for this long.
    Quiet(Duration),
    /// The trace was read from a file, which does not change.
    File,
    /// The trace ended this long ago, and no request was sent for it.
    Ended(Duration),
}

impl Evidence {
    /// [`Evidence::Ended`] if the last span ended at least five minutes ago.
    pub(super) fn of_age(trace: &Trace) -> Option<Self> {
        let end = SystemTime::UNIX_EPOCH + Duration::from_nanos(trace.time_range().1);
        let age = SystemTime::now().duration_since(end).ok()?;
        (age >= MIN_AGE && !trace.spans().is_empty()).then_some(Self::Ended(age))
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quiet(quiet) => write!(f, "nothing arrived for {quiet:.1?}"),
            Self::File => f.write_str("a file does not change"),
            Self::Ended(age) => {
                let seconds = age.as_secs();
                let (number, unit) = match seconds {
                    0..7_200 => (seconds / 60, "minutes"),
                    7_200..172_800 => (seconds / 3_600, "hours"),
                    _ => (seconds / 86_400, "days"),
                };
                write!(f, "the trace ended {number} {unit} ago")
            }
        }
    }
}
