//! Traces with thousands of spans. `examples/scale.rs` measures the times.

use std::time::Instant;

use super::{contract, expectation};
use crate::check::CheckError;
use crate::contract::Contract;
use crate::fixture::{self, span, span_id};
use crate::ids::SpanId;
use crate::model::{Span, SpanKind, Trace, Value};
use crate::record::record;
use crate::waterfall;

const CHAIN: u64 = 20_000;
/// Fewer than in the measurement, because tests are not optimized.
const SIBLINGS: u64 = 2_000;

/// A root with spans below it: by number, their parent, name and attribute.
fn trace(describe: impl Fn(u64) -> (u64, String, i64)) -> Trace {
    trace_of(SIBLINGS, describe)
}

fn trace_of(count: u64, describe: impl Fn(u64) -> (u64, String, i64)) -> Trace {
    let caller = fixture::caller().span_id();
    let mut root = span(1, caller, "a", SpanKind::Server, "root");
    root.end = root.start + 100 * fixture::MILLI;
    let start = root.start;
    let children = (2..count + 2).map(|number| {
        let (parent, name, value) = describe(number);
        let parent = match parent {
            1 => span_id(1),
            other => SpanId::from_bytes(other.to_be_bytes()).expect("not zero"),
        };
        let mut child = span(9, parent, "a", SpanKind::Internal, &name);
        child.span_id = SpanId::from_bytes(number.to_be_bytes()).expect("not zero");
        child.start = start + number;
        child.end = start + 50 * fixture::MILLI;
        child.attributes.insert("n".to_owned(), Value::Int(value));
        child
    });
    fixture::trace([root].into_iter().chain(children))
}

fn chain(value: i64) -> Trace {
    trace_of(CHAIN, |number| (number - 1, "next".to_owned(), value))
}

fn int(number: u64) -> i64 {
    i64::try_from(number).expect("small")
}

#[test]
fn thousands_of_siblings_are_checked_whether_they_are_equal_or_not() {
    let other = |number: u64| int(number) + 1_000_000;
    let cases: [(&str, Trace, Trace); 4] = [
        (
            "equal",
            trace(|_| (1, "call".to_owned(), 1)),
            trace(|_| (1, "call".to_owned(), 2)),
        ),
        (
            "names",
            trace(|number| (1, format!("call {number}"), 1)),
            trace(|number| (1, format!("call {}", other(number)), 1)),
        ),
        (
            "attributes",
            trace(|number| (1, "call".to_owned(), int(number))),
            trace(|number| (1, "call".to_owned(), other(number))),
        ),
        (
            "all but the last",
            trace(|number| (1, "call".to_owned(), int(number))),
            trace(|number| (1, "call".to_owned(), int(number + 1))),
        ),
    ];
    for (name, recorded, different) in cases {
        let contract = record(&recorded).expect("one root");
        let satisfied = contract.check(&recorded, &expectation());
        satisfied.unwrap_or_else(|mismatch| panic!("{name}: {mismatch}"));
        let mismatch = contract.check(&different, &expectation());
        let report = mismatch.expect_err(name).to_string();
        assert!(report.lines().count() <= 50, "{name}: {report}");
    }
}

#[test]
fn a_span_among_thousands_that_differs_is_named() {
    let contract = record(&trace(|number| (1, "call".to_owned(), int(number)))).expect("one root");
    let one_differs = trace(|number| match number {
        500 => (1, "call".to_owned(), -1),
        _ => (1, "call".to_owned(), int(number)),
    });
    let mismatch = contract
        .check(&one_differs, &expectation())
        .expect_err("one differs");
    assert_eq!(mismatch.differences().len(), 1, "{mismatch}");
    assert_eq!(
        mismatch.summary(),
        "attribute n of a INTERNAL call: expected int 500, got int -1"
    );
}

#[test]
fn equal_siblings_are_recorded_once() {
    let contract = record(&trace(|_| (1, "call".to_owned(), 1))).expect("one root");
    let yaml = contract.to_yaml();
    assert!(yaml.contains("repeat: 2000"), "{yaml}");
    assert!(yaml.lines().count() < 20, "{yaml}");
}

#[test]
fn a_chain_of_thousands_of_spans_is_recorded_shown_and_checked() {
    let trace = chain(1);
    let yaml = record(&trace).expect("one root").to_yaml();
    let contract = Contract::from_yaml(&yaml).expect("a contract");
    let satisfied = contract.clone().check(&trace, &expectation());
    satisfied.unwrap_or_else(|mismatch| panic!("{mismatch}"));
    assert_eq!(waterfall(&trace).lines().count(), trace.spans().len() + 1);

    let mut spans: Vec<Span> = trace.spans().to_vec();
    spans[15_000].name = "other".to_owned();
    let mismatch = contract.check(&fixture::trace(spans), &expectation());
    let report = mismatch.expect_err("one name differs").to_string();
    assert!(report.contains("name of a INTERNAL other"), "{report}");
    let marked = report.lines().find(|line| line.starts_with('>'));
    assert!(
        marked.is_some_and(|line| line.contains("other")),
        "the difference is visible, however deep it is: {report}"
    );
    assert!(report.lines().count() <= 50, "{report}");
    contract
        .check(&chain(2), &expectation())
        .expect_err("every attribute differs");
}

#[test]
fn the_deadline_stops_the_comparison() {
    let recorded = record(&trace(|number| (1, "call".to_owned(), int(number)))).expect("one root");
    let other = trace(|number| (1, "call".to_owned(), int(number) + 1_000_000));
    let checked = recorded.check_until(&other, &expectation(), Some(Instant::now()));
    assert!(matches!(checked, Err(CheckError::OutOfTime)), "{checked:?}");
}

/// With a pattern, any of the nodes may be the one of a span.
#[test]
fn patterns_among_thousands_of_siblings_are_assigned() {
    let children: Vec<String> = (2..SIBLINGS + 2)
        .map(|number| match number % 10 {
            0 => "{service: a, kind: internal, name: {matches: 'call \\d+'}}".to_owned(),
            _ => format!("{{service: a, kind: internal, name: call {number}}}"),
        })
        .collect();
    let yaml = format!(
        "{{service: a, kind: server, name: root, children: [{}]}}",
        children.join(", ")
    );
    let trace = trace(|number| (1, format!("call {number}"), 1));
    let satisfied = contract(&yaml).check(&trace, &expectation());
    satisfied.unwrap_or_else(|mismatch| panic!("{mismatch}"));
}
