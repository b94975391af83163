//! Checks whether a trace satisfies a contract.
//!
//! `align` lays the contract's tree over the span tree so that they differ as little
//! as possible; `siblings` decides which sibling belongs to which node of the contract, with
//! the groups of equal spans of `classes` and the flow of `assign`.
//! `misplaced` then finds spans with a wrong parent. `sentences` and `clock` describe
//! every difference, and `report` shows both trees next to each other.

mod align;
mod alignment;
mod assign;
mod classes;
mod clock;
mod defects;
mod difference;
mod expectation;
mod fields;
mod mismatch;
mod misplaced;
mod report;
mod rows;
mod sentences;
mod siblings;

#[cfg(test)]
mod tests;

pub use defects::defects;
pub use difference::{Difference, DifferenceKind};
pub use expectation::Expectation;
pub use mismatch::Mismatch;

use std::time::Instant;

use align::Aligner;

use crate::contract::Contract;
use crate::deep;
use crate::model::Trace;

/// Why a trace was not found to satisfy a contract.
#[derive(Debug)]
pub(crate) enum CheckError {
    Differs(Box<Mismatch>),
    /// The deadline passed before the comparison was complete.
    OutOfTime,
}

impl Contract {
    /// Checks whether `trace` is as this contract and `expectation` require.
    ///
    /// Siblings are assigned to the declared children at the lowest cost if they are few:
    /// about a hundred different ones with the same service, kind and name. Of more, exact
    /// matches are assigned first.
    ///
    /// # Errors
    /// Returns all differences, with a report that fits on one screen.
    pub fn check(&self, trace: &Trace, expectation: &Expectation) -> Result<(), Box<Mismatch>> {
        match self.check_until(trace, expectation, None) {
            Err(CheckError::Differs(mismatch)) => Err(mismatch),
            Ok(()) | Err(CheckError::OutOfTime) => Ok(()),
        }
    }

    /// Like [`Contract::check`], but stops at the deadline.
    pub(crate) fn check_until(
        &self,
        trace: &Trace,
        expectation: &Expectation,
        deadline: Option<Instant>,
    ) -> Result<(), CheckError> {
        deep::with_stack_for(self.depth(), || {
            let mut aligner = Aligner::new(self.roots(), trace, expectation, deadline);
            let mut alignment = aligner.align();
            misplaced::find(&mut alignment, &mut aligner);
            if aligner.out_of_time {
                return Err(CheckError::OutOfTime);
            }
            let mut differences =
                sentences::describe(&alignment, &aligner.forest, trace, expectation);
            differences.extend(clock::differences(trace, expectation));
            if differences.is_empty() {
                return Ok(());
            }
            let mismatch = Mismatch::new(trace, &alignment, differences);
            Err(CheckError::Differs(Box::new(mismatch)))
        })
    }
}
