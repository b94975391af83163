//! The complete report.

use super::{contract, expectation};
use crate::fixture::{self, CONTRACT, HELLO, HELLO_SERVER, ROOT};
use crate::model::{Span, SpanKind, Value};

fn report(spans: Vec<Span>) -> String {
    contract(CONTRACT)
        .check(&fixture::trace(spans), &expectation())
        .expect_err("the trace differs")
        .to_string()
}

#[test]
fn both_trees_are_shown_with_the_first_difference_marked() {
    let mut spans = fixture::spans();
    spans.truncate(HELLO_SERVER);
    spans[ROOT]
        .attributes
        .insert("http.response.status_code".to_owned(), Value::from("200"));
    insta::assert_snapshot!(report(spans));
}

#[test]
fn a_misplaced_span_is_shown_in_both_places() {
    let mut spans = fixture::spans();
    spans[HELLO_SERVER].parent = Some(spans[HELLO].span_id);
    insta::assert_snapshot!(report(spans));
}

#[test]
fn a_report_of_a_large_trace_fits_on_a_screen() {
    let mut spans = fixture::spans();
    for number in 10..200 {
        let parent = fixture::span_id(if number % 3 == 0 { number - 1 } else { 3 });
        let mut extra = fixture::span(
            9,
            parent,
            "gateway",
            SpanKind::Internal,
            "a long name ".repeat(20).as_str(),
        );
        extra.span_id = fixture::span_id(number);
        spans.push(extra);
    }
    let report = report(spans);
    assert!(report.lines().count() <= 50, "{report}");
    let widest = report
        .lines()
        .filter(|line| line.contains(" | "))
        .map(|line| line.chars().count())
        .max();
    assert!(widest <= Some(120), "{report}");
    assert!(
        report.lines().any(|line| line.starts_with("> ")),
        "{report}"
    );
}
