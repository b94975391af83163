//! Responses of Jaeger 2.13, and responses of servers that are not Jaeger.

use std::time::Duration;

use trace_contract::{
    Contract, Expectation, Jaeger, QueryError, Source, TraceId, Value, VerifyError, verify,
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
fn response(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body, "text/plain; charset=utf-8")
}

async fn jaeger(response: ResponseTemplate) -> (MockServer, Jaeger) {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path(format!("/api/v3/traces/{ID}")))
        .respond_with(response)
        .mount(&server)
        .await;
    let jaeger = Jaeger::new(&server.uri()).expect("a URL");
    (server, jaeger)
}

#[tokio::test]
async fn a_trace_is_read_without_the_attributes_that_jaeger_adds() {
    let (_server, jaeger) = jaeger(response(200, TRACE)).await;
    let trace = jaeger
        .trace(id())
        .await
        .expect("a response")
        .expect("a trace");
    assert_eq!(trace.spans().len(), 5);
    let attributes = &trace.spans()[0].attributes;
    assert_eq!(attributes["http.response.status_code"], Value::Int(200));
    assert!(!attributes.contains_key("@jaeger@warnings"));
}

#[tokio::test]
async fn an_unknown_trace_is_none() {
    let (_server, jaeger) = jaeger(response(404, NOT_FOUND)).await;
    assert_eq!(jaeger.trace(id()).await.expect("a response"), None);
}

#[tokio::test]
async fn a_web_page_is_not_a_jaeger_response() {
    for status in [200, 404] {
        let (_server, jaeger) = jaeger(response(status, "<!DOCTYPE html><html>")).await;
        let error = jaeger.trace(id()).await.expect_err("a web page");
        assert!(matches!(error, QueryError::Unexpected { .. }), "{error}");
        let message = error.to_string();
        assert!(message.contains("Is this a Jaeger query URL"), "{message}");
    }
}

#[tokio::test]
async fn an_error_response_is_reported_with_its_body() {
    let body = r#"{"error":{"httpCode":400,"message":"malformed parameter"}}"#;
    let (_server, jaeger) = jaeger(response(400, body)).await;
    let error = jaeger
        .trace(id())
        .await
        .expect_err("an error response")
        .to_string();
    assert!(
        error.contains("400") && error.contains("malformed parameter"),
        "{error}"
    );
}

#[tokio::test]
async fn an_unreachable_jaeger_is_reported_without_the_password() {
    let jaeger = Jaeger::new("http://user:secret@127.0.0.1:1/jaeger?token=secret").expect("a URL");
    let error = jaeger
        .trace(id())
        .await
        .expect_err("nothing listens there")
        .to_string();
    assert!(error.contains("http://127.0.0.1:1/jaeger/"), "{error}");
    assert!(error.contains(":16686"), "the hint: {error}");
    assert!(!error.contains("secret"), "{error}");
}

#[test]
fn an_invalid_url_is_reported_with_an_example() {
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
        .respond_with(response(200, r#"{"services":["gateway","hello"]}"#))
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
        ..Expectation::default().settle(Duration::from_millis(500))
    };
    let source = Source::from(source);
    verify(&source, id(), &contract, &expectation, timeout)
        .await
        .map(drop)
}

#[tokio::test]
async fn a_trace_that_arrives_late_and_in_parts_is_waited_for() {
    let server = MockServer::start().await;
    let part = TRACE.replace(
        r#""spanId":"eee19b7ec3c1b175""#,
        r#""spanId":"0000000000000001""#,
    );
    // At first the last span is another one: one span is missing, one is extra.
    let parts = [
        response(404, NOT_FOUND),
        response(503, "{}"),
        response(200, &part.replace("greet\"", "early\"")),
    ];
    for part in parts {
        Mock::given(method("GET"))
            .respond_with(part)
            .up_to_n_times(1)
            .mount(&server)
            .await;
    }
    Mock::given(method("GET"))
        .respond_with(response(200, TRACE))
        .mount(&server)
        .await;
    let jaeger = Jaeger::new(&server.uri()).expect("a URL");
    verified(jaeger, Duration::from_secs(20))
        .await
        .expect("the trace arrives");
    let queries = server.received_requests().await.expect("recorded").len();
    assert!(
        queries >= 5,
        "expected a further query after the trace is complete, got {queries} queries"
    );
}

#[tokio::test]
async fn an_extra_span_that_arrives_last_is_found() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(response(200, TRACE))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let late = r#""spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"0000000000000009",
        "parentSpanId":"eee19b7ec3c1b174","name":"late","kind":1,"startTimeUnixNano":"1700000000006000000",
        "endTimeUnixNano":"1700000000006000001"},"#;
    let (before, after) = TRACE.rsplit_once(r#""spans":["#).expect("spans");
    Mock::given(method("GET"))
        .respond_with(response(200, &format!("{before}{late}{after}")))
        .mount(&server)
        .await;
    let jaeger = Jaeger::new(&server.uri()).expect("a URL");
    let error = verified(jaeger, Duration::from_secs(5))
        .await
        .expect_err("an extra span");
    let mismatch = error.mismatch().expect("a difference");
    assert_eq!(
        mismatch.summary(),
        "hello: extra span hello INTERNAL late below hello SERVER GET /greetings/{name}",
    );
}

#[tokio::test]
async fn an_unreachable_jaeger_is_not_a_difference() {
    let nowhere = Jaeger::new("http://127.0.0.1:1").expect("a URL");
    let error = verified(nowhere, Duration::from_millis(200))
        .await
        .expect_err("no Jaeger");
    assert!(!error.differs(), "{error}");
    let message = error.to_string();
    assert!(
        message.starts_with("could not read the trace, tried for"),
        "{message}"
    );
}

#[tokio::test]
async fn a_trace_that_never_arrives_is_a_difference() {
    let (_server, jaeger) = jaeger(response(404, NOT_FOUND)).await;
    let error = verified(jaeger, Duration::from_millis(200))
        .await
        .expect_err("no trace");
    assert!(error.differs(), "{error}");
    let message = error.to_string();
    assert!(
        message.starts_with(&format!("no span of trace {ID} arrived")),
        "{message}"
    );
    assert!(
        message.contains("waited "),
        "the time of the wait: {message}"
    );
}
