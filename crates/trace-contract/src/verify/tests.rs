//! Waits for spans that arrive in a store.

use std::time::Duration;

use super::{Evidence, Settled, Source, VerifyError, verify};
use crate::check::{DifferenceKind, Expectation};
use crate::contract::Contract;
use crate::fixture::{self, CONTRACT, GREET, HELLO_SERVER, ROOT, trace_id};
use crate::model::{Span, SpanKind, Value};
use crate::store::Store;

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(300);

fn expectation() -> Expectation {
    // Much longer than the delays in these tests, for slow machines.
    Expectation::continues(&fixture::caller()).settle(Duration::from_secs(2))
}

async fn verified(store: &Store, timeout: Duration) -> Result<Settled, VerifyError> {
    let contract = Contract::from_yaml(CONTRACT).expect("a contract");
    verify(
        &Source::from(store),
        trace_id(),
        &contract,
        &expectation(),
        timeout,
    )
    .await
}

fn extra() -> Span {
    let parent = fixture::span_id(1);
    fixture::span(9, parent, "gateway", SpanKind::Internal, "extra")
}

/// Adds spans after a delay.
fn add_later(store: &Store, after: Duration, spans: Vec<Span>) {
    let store = store.clone();
    tokio::spawn(async move {
        tokio::time::sleep(after).await;
        store.add(spans);
    });
}

#[tokio::test]
async fn a_trace_that_arrives_in_parts_is_complete_in_the_end() {
    let store = Store::new();
    let mut spans = fixture::spans();
    let rest = spans.split_off(HELLO_SERVER);
    add_later(&store, Duration::from_millis(50), spans);
    add_later(&store, Duration::from_millis(700), rest);
    let settled = verified(&store, LONG).await.expect("all spans arrive");
    assert_eq!(settled.trace.spans().len(), 8);
    let Evidence::Quiet(quiet) = settled.evidence else {
        panic!("{}", settled.evidence);
    };
    assert!(quiet >= Duration::from_secs(2), "{quiet:?}");
}

#[tokio::test]
async fn an_extra_span_that_arrives_late_is_found() {
    let store = Store::new();
    store.add(fixture::spans());
    add_later(&store, Duration::from_millis(100), vec![extra()]);
    let error = verified(&store, LONG).await.expect_err("an extra span");
    let mismatch = error.mismatch().expect("a difference");
    assert_eq!(mismatch.differences()[0].kind(), DifferenceKind::Extra);
}

#[tokio::test]
async fn a_difference_that_further_spans_cannot_correct_ends_the_wait_early() {
    let store = Store::new();
    let mut spans = fixture::spans();
    spans[ROOT]
        .attributes
        .insert("http.response.status_code".to_owned(), Value::from("200"));
    store.add(spans);
    let error = verified(&store, LONG).await.expect_err("a wrong attribute");
    let VerifyError::Differs { waited, .. } = error else {
        panic!("{error}");
    };
    assert!(waited < LONG / 2, "waited {waited:?}");
}

#[tokio::test]
async fn missing_spans_are_waited_for_until_the_timeout_and_reported() {
    let store = Store::new();
    let mut spans = fixture::spans();
    spans.truncate(GREET);
    store.add(spans);
    let error = verified(&store, SHORT)
        .await
        .expect_err("hello's spans are missing");
    let report = error.to_string();
    assert!(
        report.starts_with("hello: no hello INTERNAL span below hello SERVER"),
        "{report}"
    );
    assert!(
        report.contains("\nwaited "),
        "the time of the wait: {report}"
    );
    assert!(
        report.contains("; last saw 4 spans; nothing arrived for "),
        "{report}"
    );
    assert_eq!(error.trace().map(|trace| trace.spans().len()), Some(4));
}

#[tokio::test]
async fn a_settled_trace_is_returned_without_a_contract() {
    let store = Store::new();
    let source = Source::from(&store);
    add_later(&store, Duration::from_millis(50), fixture::spans());
    let settled = source.settled_trace(trace_id(), &expectation(), LONG).await;
    let settled = settled.expect("the spans arrive");
    assert_eq!(settled.trace.spans().len(), 8);
    let other = crate::TraceId::random();
    let error = source.settled_trace(other, &expectation(), SHORT).await;
    let report = error.expect_err("no such trace").to_string();
    assert!(report.starts_with("waited "), "{report}");
    assert!(report.contains(&format!("for trace {other};")), "{report}");
}

/// The services of a system export at different times, each with the SDKs' delay.
#[tokio::test(start_paused = true)]
async fn by_default_a_trace_settles_for_longer_than_the_export_delay_of_sdks() {
    let store = Store::new();
    let mut spans = fixture::spans();
    let of_hello = spans.split_off(HELLO_SERVER);
    store.add(spans);
    add_later(&store, Duration::from_secs(5), of_hello);
    let source = Source::from(&store);
    let expectation = Expectation::continues(&fixture::caller());
    let settled = source.settled_trace(trace_id(), &expectation, LONG).await;
    let settled = settled.expect("the spans arrive");
    assert_eq!(settled.trace.spans().len(), 8);
    assert_eq!(settled.evidence.to_string(), "nothing arrived for 6.0s");
}

/// A sibling that has not arrived may satisfy the node that another one was compared with.
#[tokio::test(start_paused = true)]
async fn a_trace_that_differs_has_settled_too() {
    let contract = "{service: gateway, kind: server, name: GET /hello, children: [\
        {service: gateway, kind: client, name: call, attributes: {n: 1}},\
        {service: gateway, kind: client, name: call, attributes: {n: 2}, optional: true}]}";
    let contract = Contract::from_yaml(contract).expect("a contract");
    let call = |number: u8| {
        let parent = fixture::span_id(1);
        let mut span = fixture::span(number, parent, "gateway", SpanKind::Client, "call");
        let n = i64::from(number) - 1;
        span.attributes.insert("n".to_owned(), Value::Int(n));
        span
    };
    let store = Store::new();
    let mut spans = fixture::spans();
    spans.truncate(1);
    spans.push(call(3));
    store.add(spans);
    add_later(&store, Duration::from_secs(5), vec![call(2)]);
    let expectation = Expectation::continues(&fixture::caller());
    let source = Source::from(&store);
    let settled = verify(&source, trace_id(), &contract, &expectation, LONG).await;
    assert_eq!(settled.expect("both calls").trace.spans().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_trace_that_never_stops_changing_is_reported() {
    let store = Store::new();
    store.add(fixture::spans());
    let adding = store.clone();
    tokio::spawn(async move {
        for number in 1_000.. {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let mut span = extra();
            span.span_id = crate::SpanId::from_bytes(u64::to_be_bytes(number)).expect("not zero");
            adding.add(vec![span]);
        }
    });
    let source = Source::from(&store);
    let expectation = Expectation::continues(&fixture::caller());
    let error = source.settled_trace(trace_id(), &expectation, LONG).await;
    let report = error.expect_err("it has not settled").to_string();
    assert!(
        report.contains("spans of the trace still arrive"),
        "{report}"
    );
}

#[tokio::test(start_paused = true)]
async fn evidence_that_nothing_more_can_come_ends_the_wait() {
    let store = Store::new();
    store.add(fixture::spans());
    let existing = Expectation::default();
    for (source, evidence) in [
        (Source::File(store.clone()), "a file does not change"),
        (Source::Store(store), "the trace ended "),
    ] {
        let started_at = tokio::time::Instant::now();
        let settled = source.settled_trace(trace_id(), &existing, LONG).await;
        let found = settled.expect("spans").evidence.to_string();
        assert!(found.starts_with(evidence), "{found}");
        assert_eq!(started_at.elapsed(), Duration::ZERO, "{found}");
    }
}

#[tokio::test]
async fn an_unknown_trace_of_a_file_was_not_waited_for() {
    let source = Source::File(Store::new());
    let error = source.settled_trace(trace_id(), &expectation(), LONG).await;
    let report = error.expect_err("an empty file").to_string();
    assert_eq!(
        report,
        format!("the file has no span of trace {}", trace_id())
    );
}
