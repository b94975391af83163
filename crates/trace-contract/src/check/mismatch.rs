//! A trace that does not satisfy its contract: all differences, and the report.

use std::fmt;

use super::alignment::Alignment;
use super::difference::{Difference, DifferenceKind};
use super::report;
use crate::model::Trace;

/// Why a trace does not satisfy a contract.
///
/// Displays a report of one screen: a sentence about the most important difference,
/// the expected and the actual tree next to each other, and the other differences.
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

    /// The most important difference in one sentence: the first line of the report.
    pub fn summary(&self) -> String {
        self.differences
            .first()
            .map_or_else(String::new, ToString::to_string)
    }

    /// All differences, the most important first.
    pub fn differences(&self) -> &[Difference] {
        &self.differences
    }

    /// Whether spans that have not arrived yet could remove a difference.
    pub fn may_be_incomplete(&self) -> bool {
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
