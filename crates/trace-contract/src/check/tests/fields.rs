//! Spans with wrong fields.

use super::{assert_satisfied, contract, summary, summary_after};
use crate::check::Expectation;
use crate::fixture::{self, GREET, HELLO_SERVER, ROOT};
use crate::ids::{SpanId, TraceId};
use crate::model::{Attributes, Event, Link, Span, SpanKind, Status, Value};

#[test]
fn the_type_of_an_attribute_counts() {
    let summary = summary_after(|spans| {
        spans[ROOT]
            .attributes
            .insert("http.response.status_code".to_owned(), Value::from("200"));
    });
    assert_eq!(
        summary,
        "attribute http.response.status_code of gateway SERVER GET /hello: \
         expected int 200, got string \"200\""
    );
}

#[test]
fn an_attribute_that_is_missing_is_named() {
    let summary = summary_after(|spans| {
        spans[ROOT].attributes.remove("http.request.method");
    });
    assert_eq!(
        summary,
        "attribute http.request.method of gateway SERVER GET /hello: \
         expected string \"GET\", got none"
    );
}

#[test]
fn attributes_that_are_not_declared_are_allowed() {
    let mut spans = fixture::spans();
    spans[GREET]
        .attributes
        .insert("more".to_owned(), Value::Bool(true));
    assert_satisfied(fixture::CONTRACT, spans);
}

#[test]
fn name_kind_and_status_are_compared() {
    assert_eq!(
        summary_after(|spans| spans[HELLO_SERVER].name = "GET".to_owned()),
        "name of hello SERVER GET: expected \"GET /greetings/{name}\", got \"GET\""
    );
    assert_eq!(
        summary_after(|spans| spans[HELLO_SERVER].kind = SpanKind::Internal),
        "kind of hello INTERNAL GET /greetings/{name}: expected SERVER, got INTERNAL"
    );
    assert_eq!(
        summary_after(|spans| spans[ROOT].status = Status::Ok),
        "status of gateway SERVER GET /hello: expected unset, got ok"
    );
}

#[test]
fn an_error_that_is_not_declared_differs() {
    let summary = summary_after(|spans| {
        spans[GREET].status = Status::Error {
            message: "no".to_owned(),
        };
    });
    assert_eq!(
        summary,
        "status of hello INTERNAL greet: expected no error, got error \"no\""
    );
}

#[test]
fn another_service_name_is_reported() {
    let summary = summary_after(|spans| {
        spans[ROOT].resource = fixture::resource("gatewai").into();
    });
    assert_eq!(
        summary,
        "service of gatewai SERVER GET /hello: expected gateway, got gatewai"
    );
}

/// A root span after `change`.
fn one(change: impl FnOnce(&mut Span)) -> [Span; 1] {
    let mut span = fixture::span(1, fixture::caller().span_id(), "a", SpanKind::Server, "b");
    change(&mut span);
    [span]
}

fn with(attribute: &str, value: Value) -> [Span; 1] {
    one(|span| {
        span.attributes.insert(attribute.to_owned(), value);
    })
}

fn yaml(rest: &str) -> String {
    format!("service: a\nkind: server\nname: b\n{rest}")
}

#[test]
fn a_pattern_must_match_the_complete_string() {
    let matches = yaml("attributes: {k: {matches: 'a|b+'}}");
    assert_satisfied(&matches, with("k", Value::from("bb")));
    assert_eq!(
        summary(&matches, with("k", Value::from("ab"))),
        "attribute k of a SERVER b: expected string matching /a|b+/, got string \"ab\""
    );
    assert!(
        summary(&matches, with("k", Value::Int(1))).contains("got int 1"),
        "a pattern matches strings only"
    );
}

#[test]
fn presence_and_absence_can_be_required() {
    let present = yaml("attributes: {k: {present: true}}");
    assert_satisfied(&present, with("k", Value::Empty));
    assert_eq!(
        summary(&present, one(|_| ())),
        "attribute k of a SERVER b: expected any value, got none"
    );
    let absent = yaml("attributes: {authorization: {present: false}}");
    assert_satisfied(&absent, one(|_| ()));
    assert!(
        summary(&absent, with("authorization", Value::from("x")))
            .contains("expected no such attribute"),
    );
}

#[test]
fn a_type_can_be_required() {
    let typed = yaml("attributes: {server.port: {type: int}}");
    assert_satisfied(&typed, with("server.port", Value::Int(8080)));
    assert_eq!(
        summary(&typed, with("server.port", Value::from("8080"))),
        "attribute server.port of a SERVER b: expected any int, got string \"8080\""
    );
}

#[test]
fn lists_and_numbers_are_compared_with_their_types() {
    let list = yaml("attributes: {k: [1, two]}");
    let value = Value::Array(vec![Value::Int(1), Value::from("two")]);
    assert_satisfied(&list, with("k", value));
    let double = yaml("attributes: {k: 1.0}");
    assert_satisfied(&double, with("k", Value::Double(1.0)));
    assert!(summary(&double, with("k", Value::Int(1))).ends_with("expected double 1.0, got int 1"));
}

#[test]
fn the_resource_is_compared() {
    let resource = yaml("resource: {k8s.pod.name: {matches: 'a-.*'}}");
    assert_eq!(
        summary(&resource, one(|_| ())),
        "resource attribute k8s.pod.name of a SERVER b: \
         expected string matching /a-.*/, got none"
    );
}

#[test]
fn the_message_of_a_status_can_be_matched() {
    let failed = |message: &str| {
        let message = message.to_owned();
        one(|span| span.status = Status::Error { message })
    };
    assert_satisfied(&yaml("status: error"), failed("anything"));
    let matched = yaml("status: {code: error, message: {matches: 'timed out.*'}}");
    assert_satisfied(&matched, failed("timed out after 1 s"));
    assert_eq!(
        summary(&matched, failed("refused")),
        "status of a SERVER b: expected error /timed out.*/, got error \"refused\""
    );
    assert!(summary(&yaml("status: ok"), one(|_| ())).ends_with("expected ok, got unset"));
}

#[test]
fn tracestate_can_be_matched() {
    let state = yaml("tracestate: vendor=1");
    assert_satisfied(&state, one(|span| span.trace_state = "vendor=1".to_owned()));
    assert_eq!(
        summary(&state, one(|_| ())),
        "tracestate of a SERVER b: expected \"vendor=1\", got \"\""
    );
}

fn event(name: &str, attempt: i64) -> Event {
    Event {
        time: 1,
        name: name.to_owned(),
        attributes: [("attempt".to_owned(), Value::Int(attempt))].into(),
    }
}

#[test]
fn declared_events_are_compared_exactly() {
    let two =
        |second: i64| one(|span| span.events = vec![event("retry", 1), event("retry", second)]);
    assert_satisfied(&yaml(""), two(2));
    let events = yaml(
        "events: [{name: retry, attributes: {attempt: 1}}, {name: retry, attributes: {attempt: 2}}]",
    );
    assert_satisfied(&events, two(2));
    assert_eq!(
        summary(&events, two(3)),
        "event 2 (retry) attribute attempt of a SERVER b: expected int 2, got int 3"
    );
    assert_eq!(
        summary(&events, one(|span| span.events = vec![event("retry", 1)])),
        "events of a SERVER b: expected [retry, retry], got [retry]"
    );
    assert_eq!(
        summary(&yaml("events: []"), two(2)),
        "events of a SERVER b: expected none, got [retry, retry]"
    );
}

fn link(trace_id: TraceId, span_id: SpanId) -> Link {
    Link {
        trace_id,
        span_id,
        trace_state: String::new(),
        attributes: Attributes::new(),
    }
}

#[test]
fn a_link_that_is_not_declared_differs() {
    let other = TraceId::from_bytes([1; 16]).expect("not zero");
    let linked = || one(|span| span.links = vec![link(other, fixture::span_id(2))]);
    assert_eq!(
        summary(&yaml(""), linked()),
        "links of a SERVER b: expected none, got [other-trace \
         01010101010101010101010101010101 0202020202020202]"
    );
    assert_satisfied(&yaml("links: [{to: other-trace}]"), linked());
}

#[test]
fn a_link_to_the_caller_must_have_the_callers_span_id() {
    let caller = crate::TraceParent::generate();
    let expectation = Expectation::starts_new_trace(&caller);
    let links = contract(&yaml("links: [{to: caller}]"));
    let linked = |to: SpanId| {
        fixture::trace(one(|span| {
            span.parent = None;
            span.links = vec![link(caller.trace_id(), to)];
        }))
    };
    links
        .check(&linked(caller.span_id()), &expectation)
        .expect("a link to the caller");
    let mismatch = links
        .check(&linked(SpanId::random()), &expectation)
        .expect_err("a link to another span of the caller's trace");
    assert!(
        mismatch
            .summary()
            .starts_with("links of a SERVER b: expected [caller], got [other-trace"),
        "{mismatch}"
    );
}
