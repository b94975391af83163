//! Checks whether a trace satisfies a contract.
//!
//! `align` lays the contract's tree over the span tree so that they differ as little
//! as possible; `assign` decides which sibling belongs to which node of the contract.
//! `misplaced` then finds spans with a wrong parent. `sentences` and `clock` describe
//! every difference, and `report` shows both trees next to each other.

mod align;
mod alignment;
mod assign;
mod clock;
mod difference;
mod expectation;
mod fields;
mod mismatch;
mod misplaced;
mod report;
mod rows;
mod sentences;

#[cfg(test)]
mod tests;

pub use difference::{Difference, DifferenceKind};
pub use expectation::Expectation;
pub use mismatch::Mismatch;

pub(crate) use expectation::DEFAULT_STABLE_FOR;

use align::Aligner;

use crate::contract::Contract;
use crate::model::Trace;

impl Contract {
    /// Checks whether `trace` is as this contract and `expectation` require.
    ///
    /// # Errors
    /// Returns all differences, with a report that fits on one screen.
    pub fn check(&self, trace: &Trace, expectation: &Expectation) -> Result<(), Mismatch> {
        let mut aligner = Aligner::new(self.root(), trace, expectation);
        let mut alignment = aligner.align();
        misplaced::find(&mut alignment, &mut aligner);
        let mut differences = sentences::describe(&alignment, trace, expectation);
        differences.extend(clock::differences(trace, expectation.clock_skew));
        if differences.is_empty() {
            return Ok(());
        }
        Err(Mismatch::new(trace, &alignment, differences))
    }
}
