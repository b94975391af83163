//! Waits for spans that arrive in a store.

use std::time::Duration;

use super::{Source, VerifyError, verify};
use crate::check::{DifferenceKind, Expectation};
use crate::contract::Contract;
use crate::fixture::{self, CONTRACT, GREET, HELLO_SERVER, ROOT, trace_id};
use crate::model::{Span, SpanKind, Trace, Value};
use crate::store::Store;

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(300);

async fn verified(store: &Store, timeout: Duration) -> Result<Trace, VerifyError> {
    let contract = Contract::from_yaml(CONTRACT).expect("a contract");
    let expectation = Expectation {
        // Much longer than the delays in these tests, for slow machines.
        stable_for: Duration::from_secs(2),
        ..Expectation::continues(&fixture::caller())
    };
    verify(
        &Source::from(store),
        trace_id(),
        &contract,
        &expectation,
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
    let trace = verified(&store, LONG).await.expect("all spans arrive");
    assert_eq!(trace.spans().len(), 8);
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
    assert!(report.ends_with("; last saw 4 spans"), "{report}");
    assert_eq!(error.trace().map(|trace| trace.spans().len()), Some(4));
}

#[tokio::test]
async fn a_stable_trace_is_returned_without_a_contract() {
    let store = Store::new();
    add_later(&store, Duration::from_millis(50), fixture::spans());
    let trace = Source::from(&store).stable_trace(trace_id(), LONG).await;
    assert_eq!(trace.expect("the spans arrive").spans().len(), 8);
    let other = crate::TraceId::random();
    let error = Source::from(&store).stable_trace(other, SHORT).await;
    let report = error.expect_err("no such trace").to_string();
    assert!(report.starts_with("waited "), "{report}");
    assert!(report.contains(&format!("for trace {other};")), "{report}");
}
