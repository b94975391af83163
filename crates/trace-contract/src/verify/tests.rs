//! Waiting for spans that arrive in a store.

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
        // Long beside what the tests wait: a busy machine must not decide them.
        settle: Duration::from_secs(2),
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

/// Adds spans a while after the waiting has begun.
fn later(store: &Store, after: Duration, spans: Vec<Span>) {
    let store = store.clone();
    tokio::spawn(async move {
        tokio::time::sleep(after).await;
        store.add(spans);
    });
}

#[tokio::test]
async fn a_trace_that_comes_in_parts_is_waited_for() {
    let store = Store::new();
    let mut spans = fixture::spans();
    let rest = spans.split_off(HELLO_SERVER);
    later(&store, Duration::from_millis(50), spans);
    later(&store, Duration::from_millis(700), rest);
    let trace = verified(&store, LONG).await.expect("all of it came");
    assert_eq!(trace.spans().len(), 8);
}

#[tokio::test]
async fn a_span_too_many_that_comes_late_is_caught() {
    let store = Store::new();
    store.add(fixture::spans());
    later(&store, Duration::from_millis(100), vec![extra()]);
    let error = verified(&store, LONG).await.expect_err("one too many");
    let mismatch = error.mismatch().expect("a difference");
    assert_eq!(mismatch.differences()[0].kind(), DifferenceKind::Extra);
}

#[tokio::test]
async fn what_no_span_can_make_good_is_given_up_early() {
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
async fn what_is_missing_is_waited_for_to_the_end_and_told() {
    let store = Store::new();
    let mut spans = fixture::spans();
    spans.truncate(GREET);
    store.add(spans);
    let error = verified(&store, SHORT)
        .await
        .expect_err("hello's spans are missing");
    let told = error.to_string();
    assert!(
        told.starts_with("hello: no hello INTERNAL span below hello SERVER"),
        "{told}"
    );
    assert!(told.contains("\nwaited "), "how long it waited: {told}");
    assert!(told.ends_with("; last saw 4 spans"), "{told}");
    assert_eq!(error.trace().map(|trace| trace.spans().len()), Some(4));
}

#[tokio::test]
async fn a_trace_that_settles_is_shown_without_a_contract() {
    let store = Store::new();
    later(&store, Duration::from_millis(50), fixture::spans());
    let trace = Source::from(&store).settled(trace_id(), LONG).await;
    assert_eq!(trace.expect("it came").spans().len(), 8);
    let other = crate::TraceId::random();
    let error = Source::from(&store).settled(other, SHORT).await;
    let told = error.expect_err("no such trace").to_string();
    assert!(told.starts_with("waited "), "{told}");
    assert!(told.contains(&format!("for trace {other};")), "{told}");
}
