//! Every kind of difference is found, and the first line of the report describes it.

mod assignment;
mod fields;
mod report;
mod scale;
mod structure;

use super::Expectation;
use crate::contract::Contract;
use crate::fixture::{self, CONTRACT};
use crate::model::Span;

fn contract(yaml: &str) -> Contract {
    Contract::from_yaml(yaml).unwrap_or_else(|error| panic!("{error}"))
}

fn expectation() -> Expectation {
    Expectation::continues(&fixture::caller())
}

/// The first line of the report about `spans`.
#[track_caller]
fn summary(yaml: &str, spans: impl IntoIterator<Item = Span>) -> String {
    let trace = fixture::trace(spans);
    let mismatch = contract(yaml)
        .check(&trace, &expectation())
        .expect_err("the trace must differ from the contract");
    let report = mismatch.to_string();
    let first = report.lines().next().unwrap_or_default().to_owned();
    assert_eq!(
        first,
        mismatch.summary(),
        "the report begins with its summary"
    );
    first
}

/// The first line of the report about the fixture's spans after `change`.
#[track_caller]
fn summary_after(change: impl FnOnce(&mut Vec<Span>)) -> String {
    let mut spans = fixture::spans();
    change(&mut spans);
    summary(CONTRACT, spans)
}

#[track_caller]
fn assert_satisfied(yaml: &str, spans: impl IntoIterator<Item = Span>) {
    let trace = fixture::trace(spans);
    if let Err(mismatch) = contract(yaml).check(&trace, &expectation()) {
        panic!("{mismatch}");
    }
}

#[test]
fn the_expected_trace_satisfies_its_contract() {
    assert_satisfied(CONTRACT, fixture::spans());
}

#[test]
fn the_order_of_arrival_does_not_matter() {
    assert_satisfied(CONTRACT, fixture::spans().into_iter().rev());
}

#[test]
fn a_batch_that_was_sent_twice_is_not_a_difference() {
    assert_satisfied(CONTRACT, [fixture::spans(), fixture::spans()].concat());
}
