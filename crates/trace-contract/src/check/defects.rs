//! What is wrong with a trace, whatever its contract is.

use super::clock;
use super::difference::Difference;
use super::expectation::Expectation;
use super::sentences;
use crate::model::{Forest, Trace};

/// What every check of this trace rejects: impossible times, different spans with the same
/// id, and spans that are their own ancestors.
pub fn defects(trace: &Trace, expectation: &Expectation) -> Vec<Difference> {
    let forest = Forest::new(trace);
    let in_cycles = forest.in_cycles();
    let mut found: Vec<Difference> = in_cycles
        .map(|index| sentences::in_cycle(forest.span(index)))
        .collect();
    let conflicts = trace.conflicts().iter();
    found.extend(conflicts.map(|span| sentences::conflict(span, &forest)));
    found.extend(clock::differences(trace, expectation));
    found
}
