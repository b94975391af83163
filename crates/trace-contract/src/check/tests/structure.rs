//! Spans that are missing, extra, or misplaced.

use std::time::Duration;

use super::{assert_satisfied, contract, expectation, summary_after};
use crate::check::{Difference, DifferenceKind, Expectation};
use crate::fixture::{self, CLIENT, CONTRACT, GREET, HELLO, HELLO_SERVER, MILLI, ROOT, span};
use crate::ids::SpanId;
use crate::model::{SpanKind, Value};

#[test]
fn a_trace_that_ends_at_a_call_names_the_edge() {
    let summary = summary_after(|spans| spans.truncate(HELLO_SERVER));
    assert_eq!(
        summary,
        "gateway → hello: no hello SERVER span below gateway CLIENT GET /greetings/{name}; \
         expected hello SERVER GET /greetings/{name}"
    );
}

#[test]
fn a_span_that_is_missing_in_the_middle_is_named() {
    // Without the CLIENT span, its child is an orphan.
    let summary = summary_after(|spans| {
        spans.remove(CLIENT);
    });
    assert_eq!(
        summary,
        "gateway: no gateway CLIENT span below gateway INTERNAL hello; \
         expected gateway CLIENT GET /greetings/{name}"
    );
}

#[test]
fn a_wrong_parent_is_named_with_the_expected_one() {
    let summary = summary_after(|spans| spans[HELLO_SERVER].parent = Some(spans[HELLO].span_id));
    assert_eq!(
        summary,
        "gateway → hello: wrong parent: hello SERVER GET /greetings/{name} is below gateway \
         INTERNAL hello; expected below gateway CLIENT GET /greetings/{name}"
    );
}

#[test]
fn a_lost_parent_within_one_trace_is_a_wrong_parent() {
    let summary = summary_after(|spans| spans[HELLO_SERVER].parent = None);
    assert_eq!(
        summary,
        "gateway → hello: wrong parent: hello SERVER GET /greetings/{name} has no parent; \
         expected below gateway CLIENT GET /greetings/{name}"
    );
}

#[test]
fn an_unknown_parent_is_reported_with_its_id() {
    let summary = summary_after(|spans| spans[HELLO_SERVER].parent = Some(fixture::span_id(0x99)));
    assert_eq!(
        summary,
        "gateway → hello: wrong parent: hello SERVER GET /greetings/{name} has the parent \
         9999999999999999, which is not in the trace; expected below gateway CLIENT GET \
         /greetings/{name}"
    );
}

#[test]
fn a_misplaced_span_is_compared_in_its_expected_place_and_reported_once() {
    let mut spans = fixture::spans();
    spans[HELLO_SERVER].parent = Some(spans[HELLO].span_id);
    spans[GREET].name = "grete".to_owned();
    let mismatch = contract(CONTRACT)
        .check(&fixture::trace(spans), &expectation())
        .expect_err("a wrong parent");
    let kinds: Vec<_> = mismatch
        .differences()
        .iter()
        .map(Difference::kind)
        .collect();
    assert_eq!(kinds, [DifferenceKind::WrongParent, DifferenceKind::Field]);
}

#[test]
fn an_extra_span_is_named_with_its_place() {
    let summary = summary_after(|spans| {
        let parent = spans[HELLO].span_id;
        spans.push(span(20, parent, "gateway", SpanKind::Internal, "cache"));
        let cache = fixture::span_id(20);
        spans.push(span(21, cache, "gateway", SpanKind::Client, "GET key"));
    });
    assert_eq!(
        summary,
        "gateway: extra span gateway INTERNAL cache below gateway INTERNAL hello, \
         with 1 span below it"
    );
}

#[test]
fn a_second_root_is_named() {
    let summary = summary_after(|spans| {
        let mut other = span(9, fixture::span_id(1), "hello", SpanKind::Internal, "job");
        other.parent = None;
        spans.push(other);
    });
    assert_eq!(summary, "second root: hello INTERNAL job has no parent");
}

#[test]
fn a_second_child_of_the_caller_is_a_second_root() {
    let summary = summary_after(|spans| {
        let caller = fixture::caller().span_id();
        spans.push(span(9, caller, "gateway", SpanKind::Server, "GET /hello"));
    });
    assert_eq!(
        summary,
        "second root: gateway SERVER GET /hello is a child of the caller, too"
    );
}

#[test]
fn an_orphan_is_named_with_its_parent() {
    let summary = summary_after(|spans| {
        let lost = fixture::span_id(0x99);
        spans.push(span(9, lost, "hello", SpanKind::Internal, "job"));
    });
    assert_eq!(
        summary,
        "orphan: hello INTERNAL job has the parent 9999999999999999, which is not in the trace"
    );
}

#[test]
fn spans_in_a_cycle_are_named() {
    let summary = summary_after(|spans| {
        let (one, other) = (fixture::span_id(9), fixture::span_id(10));
        spans.push(span(9, other, "hello", SpanKind::Internal, "one"));
        spans.push(span(10, one, "hello", SpanKind::Internal, "other"));
    });
    assert_eq!(
        summary,
        "cycle: hello INTERNAL one is its own ancestor, or a descendant of such a span"
    );
}

#[test]
fn the_root_must_be_below_the_caller() {
    let summary = summary_after(|spans| spans[ROOT].parent = None);
    assert_eq!(
        summary,
        "root gateway SERVER GET /hello has no parent: the service ignored the caller's traceparent"
    );
    let summary = summary_after(|spans| spans[ROOT].parent = Some(fixture::span_id(0x99)));
    assert_eq!(
        summary,
        "root gateway SERVER GET /hello has a parent that is neither in the trace nor the caller"
    );
}

#[test]
fn a_new_trace_must_have_no_parent() {
    let mut spans = fixture::spans();
    let new_trace = Expectation::without_caller();
    let mismatch = contract(CONTRACT)
        .check(&fixture::trace(spans.clone()), &new_trace)
        .expect_err("the root has a parent");
    assert_eq!(mismatch.differences()[0].kind(), DifferenceKind::RootParent);
    spans[ROOT].parent = None;
    contract(CONTRACT)
        .check(&fixture::trace(spans), &new_trace)
        .expect("a root without a parent");
}

#[test]
fn without_an_expectation_the_root_may_have_any_parent() {
    let mut spans = fixture::spans();
    for parent in [None, Some(fixture::span_id(0x99))] {
        spans[ROOT].parent = parent;
        contract(CONTRACT)
            .check(&fixture::trace(spans.clone()), &Expectation::default())
            .expect("any parent");
    }
}

#[test]
fn an_empty_trace_is_reported() {
    let summary = summary_after(Vec::clear);
    assert_eq!(
        summary,
        "no span of trace 4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b arrived: \
         expected gateway SERVER GET /hello"
    );
}

#[test]
fn different_spans_with_one_id_are_reported() {
    let summary = summary_after(|spans| {
        let mut other = spans[GREET].clone();
        other.attributes.insert("attempt".to_owned(), Value::Int(2));
        spans.push(other);
    });
    assert_eq!(
        summary,
        "two different spans with the id 0505050505050505: hello INTERNAL greet and hello \
         INTERNAL greet"
    );
}

#[test]
fn an_end_before_the_start_is_reported() {
    let summary = summary_after(|spans| spans[GREET].end = spans[GREET].start - MILLI);
    assert_eq!(
        summary,
        "clock: hello INTERNAL greet ends 1ms before it starts"
    );
}

#[test]
fn a_child_that_starts_before_its_parent_is_reported() {
    let summary = summary_after(|spans| spans[GREET].start = spans[HELLO_SERVER].start - MILLI);
    assert_eq!(
        summary,
        "clock: hello INTERNAL greet starts 1ms before its parent in the same instance, hello \
         SERVER GET /greetings/{name} (allowed: 1µs)"
    );
}

#[test]
fn clocks_of_different_services_may_differ_a_little() {
    let shifted = |by: u64| {
        let mut spans = fixture::spans();
        for span in spans.iter_mut().filter(|span| span.service() == "hello") {
            span.start -= by;
            span.end -= by;
        }
        spans
    };
    assert_satisfied(CONTRACT, shifted(50 * MILLI));
    let trace = fixture::trace(shifted(200 * MILLI));
    let mismatch = contract(CONTRACT)
        .check(&trace, &expectation())
        .expect_err("200 ms are more than the allowed skew");
    assert_eq!(mismatch.differences()[0].kind(), DifferenceKind::Clock);
    let tolerant = Expectation {
        clock_skew: Duration::from_secs(1),
        ..expectation()
    };
    contract(CONTRACT)
        .check(&trace, &tolerant)
        .expect("the skew is allowed");
}

#[test]
fn a_very_deep_trace_does_not_overflow_the_stack() {
    let summary = summary_after(|spans| {
        let mut parent = spans[HELLO].span_id;
        for number in 1_000..21_000_u64 {
            let mut deeper = span(9, parent, "gateway", SpanKind::Internal, "again");
            parent = SpanId::from_bytes(number.to_be_bytes()).expect("not zero");
            deeper.span_id = parent;
            spans.push(deeper);
        }
    });
    assert_eq!(
        summary,
        "gateway: extra span gateway INTERNAL again below gateway INTERNAL hello, \
         with 19999 spans below it"
    );
}
