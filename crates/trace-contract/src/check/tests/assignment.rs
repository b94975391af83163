//! Which sibling belongs to which node of the contract, and how many are allowed.

use super::{assert_satisfied, summary};
use crate::fixture::{self, span, span_id};
use crate::model::{Span, SpanKind, Value};

const ROOT: &str = "service: a\nkind: server\nname: root\n";

/// A root with one client span per status code, in the order of time.
fn calls(codes: &[i64]) -> Vec<Span> {
    let mut root = span(
        1,
        fixture::caller().span_id(),
        "a",
        SpanKind::Server,
        "root",
    );
    root.end = root.start + 100 * fixture::MILLI;
    let mut spans = vec![root];
    for (number, code) in (2..).zip(codes) {
        let mut call = span(number, span_id(1), "a", SpanKind::Client, "GET");
        call.end = call.start + fixture::MILLI;
        call.attributes.insert("code".to_owned(), Value::Int(*code));
        spans.push(call);
    }
    spans
}

fn yaml(children: &[&str]) -> String {
    let children: Vec<String> = children
        .iter()
        .map(|it| format!("  - {{service: a, kind: client, name: GET, {it}}}\n"))
        .collect();
    format!("{ROOT}children:\n{}", children.concat())
}

#[test]
fn siblings_are_matched_in_any_order() {
    let both = yaml(&["attributes: {code: 503}", "attributes: {code: 200}"]);
    assert_satisfied(&both, calls(&[503, 200]));
    assert_satisfied(&both, calls(&[200, 503]));
}

#[test]
fn a_general_node_does_not_take_the_span_of_a_specific_one() {
    let general_first = yaml(&["optional: true", "attributes: {code: 200}"]);
    assert_satisfied(&general_first, calls(&[200]));
    assert_satisfied(&general_first, calls(&[200, 503]));
    assert_satisfied(&general_first, calls(&[503, 200]));
}

#[test]
fn the_number_of_spans_is_checked() {
    let thrice = yaml(&["repeat: 1..3"]);
    for count in 1..=3 {
        assert_satisfied(&thrice, calls(&vec![200; count]));
    }
    assert_eq!(
        summary(&thrice, calls(&[200; 4])),
        "a: extra span a CLIENT GET below a SERVER root"
    );
    assert_eq!(
        summary(&thrice, calls(&[])),
        "a: no a CLIENT span below a SERVER root; expected a CLIENT GET"
    );
    assert_eq!(
        summary(&yaml(&["repeat: 3"]), calls(&[200; 2])),
        "a: only 2 of 3 a CLIENT spans below a SERVER root; expected a CLIENT GET"
    );
}

#[test]
fn an_optional_span_may_occur_once() {
    let optional = yaml(&["optional: true"]);
    assert_satisfied(&optional, calls(&[]));
    assert_satisfied(&optional, calls(&[200]));
    assert_eq!(
        summary(&optional, calls(&[200, 200])),
        "a: extra span a CLIENT GET below a SERVER root"
    );
}

#[test]
fn retried_calls_are_distinguished_by_their_attributes() {
    let retried = yaml(&[
        "repeat: 1..3, attributes: {code: 503}",
        "attributes: {code: 200}",
    ]);
    assert_satisfied(&retried, calls(&[503, 503, 200]));
    assert_eq!(
        summary(&retried, calls(&[503, 503, 500])),
        "attribute code of a CLIENT GET: expected int 200, got int 500"
    );
}

#[test]
fn more_allows_other_children_and_still_requires_the_declared_ones() {
    let more = format!("{}more: true\n", yaml(&["attributes: {code: 200}"]));
    assert_satisfied(&more, calls(&[200]));
    assert_satisfied(&more, calls(&[503, 200, 404]));
    assert!(
        summary(&more, calls(&[503, 404])).starts_with("attribute code of a CLIENT GET"),
        "other children do not replace a required one"
    );
    assert!(summary(&more, calls(&[])).starts_with("a: no a CLIENT span below"));
}

#[test]
fn a_thousand_siblings_are_matched() {
    let mut spans = calls(&[]);
    for number in 0..1_000_u64 {
        let mut call = span(2, span_id(1), "a", SpanKind::Client, "GET");
        call.span_id = crate::SpanId::from_bytes((number + 1_000).to_be_bytes()).expect("not zero");
        call.attributes.insert("code".to_owned(), Value::Int(200));
        spans.push(call);
    }
    assert_satisfied(&yaml(&["repeat: 999", "attributes: {code: 200}"]), spans);
}
