//! Jaeger's answers, as version 2.13 gave them, and answers of what is no Jaeger.

use std::time::Duration;

use trace_contract::{
    Contract, Expectation, Jaeger, JaegerError, Source, TraceId, Value, VerifyError, verify,
};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const ID: &str = "5b8efff798038103d269b633813fc60c";
const TRACE: &str = include_str!("data/jaeger-trace.json");
const NOT_FOUND: &str = r#"{"error":{"httpCode":404,"message":"No traces found"}}"#;
const CONTRACT: &str = "
service: gateway
kind: server
name: GET /hello
attributes: {http.response.status_code: 200}
children:
  - {service: gateway, kind: internal, name: hello, status: ok, children: [
      {service: gateway, kind: client, name: 'GET /greetings/{name}',
        status: {code: error, message: timed out}, links: [{to: other-trace}], children: [
        {service: hello, kind: server, name: 'GET /greetings/{name}', children: [
          {service: hello, kind: internal, name: greet}]}]}]}
";

fn id() -> TraceId {
    ID.parse().expect("a trace id")
}

/// Jaeger sends its JSON as `text/plain`.
fn answer(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body, "text/plain; charset=utf-8")
}

async fn jaeger(answer: ResponseTemplate) -> (MockServer, Jaeger) {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path(format!("/api/v3/traces/{ID}")))
        .respond_with(answer)
        .mount(&server)
        .await;
    let jaeger = Jaeger::new(&server.uri()).expect("a URL");
    (server, jaeger)
}

#[tokio::test]
async fn a_trace_is_read_without_jaegers_remarks() {
    let (_server, jaeger) = jaeger(answer(200, TRACE)).await;
    let trace = jaeger
        .trace(id())
        .await
        .expect("an answer")
        .expect("a trace");
    assert_eq!(trace.spans().len(), 5);
    let attributes = &trace.spans()[0].attributes;
    assert_eq!(attributes["http.response.status_code"], Value::Int(200));
    assert!(!attributes.contains_key("@jaeger@warnings"));
}

#[tokio::test]
async fn an_unknown_trace_is_none() {
    let (_server, jaeger) = jaeger(answer(404, NOT_FOUND)).await;
    assert_eq!(jaeger.trace(id()).await.expect("an answer"), None);
}

#[tokio::test]
async fn a_page_is_no_jaeger() {
    for status in [200, 404] {
        let (_server, jaeger) = jaeger(answer(status, "<!DOCTYPE html><html>")).await;
        let error = jaeger.trace(id()).await.expect_err("a page");
        assert!(matches!(error, JaegerError::NotJaeger { .. }), "{error}");
        let told = error.to_string();
        assert!(told.contains("Is this a Jaeger query URL"), "{told}");
    }
}

#[tokio::test]
async fn a_refusal_is_told_with_its_reason() {
    let body = r#"{"error":{"httpCode":400,"message":"malformed parameter"}}"#;
    let (_server, jaeger) = jaeger(answer(400, body)).await;
    let error = jaeger.trace(id()).await.expect_err("a refusal").to_string();
    assert!(
        error.contains("400") && error.contains("malformed parameter"),
        "{error}"
    );
}

#[tokio::test]
async fn no_answer_is_told_without_the_password() {
    let jaeger = Jaeger::new("http://user:secret@127.0.0.1:1/jaeger?token=secret").expect("a URL");
    let error = jaeger
        .trace(id())
        .await
        .expect_err("nothing listens there")
        .to_string();
    assert!(error.contains("http://127.0.0.1:1/jaeger/"), "{error}");
    assert!(error.contains("port 16686"), "the remedy: {error}");
    assert!(!error.contains("secret"), "{error}");
}

#[test]
fn what_is_no_url_is_told_with_an_example() {
    for text in ["", "localhost:16686", "ftp://localhost"] {
        let error = Jaeger::new(text).expect_err(text).to_string();
        assert!(error.contains("http://127.0.0.1:16686"), "{text}: {error}");
    }
    #[cfg(not(feature = "tls"))]
    {
        let error = Jaeger::new("https://jaeger")
            .expect_err("no TLS")
            .to_string();
        assert!(error.contains("feature `tls`"), "{error}");
    }
}

#[tokio::test]
async fn a_base_path_is_kept() {
    let server = MockServer::start().await;
    Mock::given(path("/jaeger/api/v3/services"))
        .respond_with(answer(200, r#"{"services":["gateway","hello"]}"#))
        .mount(&server)
        .await;
    let jaeger = Jaeger::new(&format!("{}/jaeger", server.uri())).expect("a URL");
    assert_eq!(
        jaeger.services().await.expect("names"),
        ["gateway", "hello"]
    );
}

async fn verified(source: Jaeger, timeout: Duration) -> Result<(), VerifyError> {
    let contract = Contract::from_yaml(CONTRACT).expect("a contract");
    let parent = "00f067aa0ba902b7".parse().expect("a span id");
    let expectation = Expectation {
        parent: Some(parent),
        ..Expectation::default()
    };
    let source = Source::from(source);
    verify(&source, id(), &contract, &expectation, timeout)
        .await
        .map(drop)
}

#[tokio::test]
async fn a_trace_that_comes_late_and_in_parts_is_waited_for() {
    let server = MockServer::start().await;
    let part = TRACE.replace(
        r#""spanId":"eee19b7ec3c1b175""#,
        r#""spanId":"0000000000000001""#,
    );
    // The last of the spans is another one at first: one missing, one too many.
    let parts = [
        answer(404, NOT_FOUND),
        answer(503, "{}"),
        answer(200, &part.replace("greet\"", "early\"")),
    ];
    for part in parts {
        Mock::given(method("GET"))
            .respond_with(part)
            .up_to_n_times(1)
            .mount(&server)
            .await;
    }
    Mock::given(method("GET"))
        .respond_with(answer(200, TRACE))
        .mount(&server)
        .await;
    let jaeger = Jaeger::new(&server.uri()).expect("a URL");
    verified(jaeger, Duration::from_secs(20))
        .await
        .expect("it came");
    let asked = server.received_requests().await.expect("recorded").len();
    assert!(
        asked >= 5,
        "once more after it was whole, in all {asked} times"
    );
}

#[tokio::test]
async fn a_span_too_many_that_comes_last_is_caught() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(answer(200, TRACE))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let late = r#""spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"0000000000000009",
        "parentSpanId":"eee19b7ec3c1b174","name":"late","kind":1,"startTimeUnixNano":"1700000000006000000",
        "endTimeUnixNano":"1700000000006000001"},"#;
    let (before, after) = TRACE.rsplit_once(r#""spans":["#).expect("spans");
    Mock::given(method("GET"))
        .respond_with(answer(200, &format!("{before}{late}{after}")))
        .mount(&server)
        .await;
    let jaeger = Jaeger::new(&server.uri()).expect("a URL");
    let error = verified(jaeger, Duration::from_secs(5))
        .await
        .expect_err("one too many");
    let mismatch = error.mismatch().expect("a difference");
    assert_eq!(
        mismatch.summary(),
        "hello: extra span hello INTERNAL late below hello SERVER GET /greetings/{name}",
    );
}

#[tokio::test]
async fn a_jaeger_that_is_not_there_is_not_a_difference() {
    let nowhere = Jaeger::new("http://127.0.0.1:1").expect("a URL");
    let error = verified(nowhere, Duration::from_millis(200))
        .await
        .expect_err("no Jaeger");
    assert!(!error.differs(), "{error}");
    let told = error.to_string();
    assert!(told.starts_with("could not check, tried for"), "{told}");
}

#[tokio::test]
async fn a_trace_that_never_comes_is_a_difference() {
    let (_server, jaeger) = jaeger(answer(404, NOT_FOUND)).await;
    let error = verified(jaeger, Duration::from_millis(200))
        .await
        .expect_err("no trace");
    assert!(error.differs(), "{error}");
    let told = error.to_string();
    assert!(
        told.starts_with(&format!("no span of trace {ID} arrived")),
        "{told}"
    );
    assert!(told.contains("waited "), "how long it waited: {told}");
}
