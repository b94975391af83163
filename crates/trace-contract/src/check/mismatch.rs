//! A trace that does not satisfy its contract: all differences, and the report.

use std::fmt;

use super::Alignment;
use super::difference::{Difference, DifferenceKind};
use crate::model::Trace;
use crate::report;

/// Why a trace does not satisfy a contract.
///
/// Displayed as a report of one screen: the most telling difference in a
/// sentence, the expected tree beside what came, then the other differences.
#[derive(Clone, Debug)]
pub struct Mismatch {
    differences: Vec<Difference>,
    report: String,
}

impl Mismatch {
    pub(super) fn new(
        trace: &Trace,
        alignment: &Alignment<'_>,
        mut differences: Vec<Difference>,
    ) -> Self {
        differences.sort_by_key(Difference::kind);
        let report = report::render(trace, alignment, &differences);
        Self {
            differences,
            report,
        }
    }

    /// The most telling difference in one sentence: the report's first line.
    pub fn summary(&self) -> String {
        self.differences
            .first()
            .map_or_else(String::new, ToString::to_string)
    }

    /// All that differs, the most telling first.
    pub fn differences(&self) -> &[Difference] {
        &self.differences
    }

    /// Whether spans that have not arrived yet could make it good.
    pub fn may_be_unfinished(&self) -> bool {
        self.differences.iter().any(|difference| {
            matches!(
                difference.kind(),
                DifferenceKind::NothingArrived
                    | DifferenceKind::Missing
                    | DifferenceKind::WrongParent
                    | DifferenceKind::Orphan
                    | DifferenceKind::RootParent
            )
        })
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.report)
    }
}

impl std::error::Error for Mismatch {}
