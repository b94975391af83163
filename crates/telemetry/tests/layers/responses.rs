//! Responses that are too large, and what a failed response records.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use telemetry::http::{CallError, ClientConfig, Route, ServerLayer};
use trace_contract::TraceParent;

use crate::fixture::{self, assert_trace, serve};
use crate::raw_peer::{Act, OK, RawPeer};

const MAX: usize = 100_000;

/// Starts a server that calls the peer for each request, and sends it one request.
/// Returns the trace, and the result of the call.
async fn call(peer: &RawPeer) -> (TraceParent, Result<usize, CallError>) {
    let client = telemetry::http::client(&ClientConfig {
        timeout: Duration::from_secs(5),
        backoff: Duration::from_millis(1),
        max_response_body: MAX,
        ..ClientConfig::default()
    })
    .expect("a client can be made");
    let url = peer.url();
    let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
    let front = Router::new()
        .route(
            "/",
            get(move || async move {
                let call = client.get(url).with_extension(Route("/things/{id}"));
                let result = match call.send().await {
                    Ok(response) => Ok(response.bytes().await.expect("it is complete").len()),
                    Err(error) => Err(CallError::from(error)),
                };
                sender.send(result).await.expect("the test waits for it");
            }),
        )
        .layer(ServerLayer::internal());
    let address = serve(front).await;
    let parent = TraceParent::generate();
    fixture::get(&format!("http://{address}/"), &parent).await;
    let result = receiver.recv().await.expect("the handler sends its result");
    (parent, result)
}

#[tokio::test]
async fn a_response_larger_than_the_limit_is_an_error_of_its_own_kind() {
    for (status, act) in [
        (
            200,
            Act::Write(b"HTTP/1.1 200 OK\r\ncontent-length: 100001\r\n\r\n"),
        ),
        (
            200,
            Act::Write(b"HTTP/1.1 200 OK\r\ncontent-length: 9007199254740991\r\n\r\n"),
        ),
        (
            200,
            Act::WriteEndlessly(
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
                b"4\r\n[0,1\r\n",
            ),
        ),
        (
            200,
            Act::WriteEndlessly(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", b"[[[["),
        ),
        (
            500,
            Act::WriteEndlessly(b"HTTP/1.1 500 No\r\nconnection: close\r\n\r\n", b"...."),
        ),
        (
            503,
            Act::WriteEndlessly(
                b"HTTP/1.1 503 No\r\ntransfer-encoding: chunked\r\n\r\n",
                b"10\r\n................\r\n",
            ),
        ),
    ] {
        let peer = RawPeer::start(act, Act::Write(OK)).await;
        let (parent, result) = call(&peer).await;
        assert_eq!(result, Err(CallError::TooLarge(MAX)), "for {act:?}");
        assert!(
            peer.written() < 32 * 1024 * 1024,
            "the client must close the connection, but the peer wrote {} bytes",
            peer.written()
        );
        assert_trace(
            &parent,
            &format!(
                "
service: app
kind: server
name: GET /
children:
  - service: app
    kind: client
    name: GET /things/{{id}}
    status: error
    attributes: {{error.type: response_too_large, http.response.status_code: {status}}}
"
            ),
        )
        .await;
    }
}

#[tokio::test]
async fn an_endless_head_is_an_error() {
    for piece in [b"x-more: of the same\r\n" as &[u8], b"x"] {
        let endless = Act::WriteEndlessly(b"HTTP/1.1 200 OK\r\nx-endless: ", piece);
        let peer = RawPeer::start(endless, Act::Write(OK)).await;
        let (_, result) = call(&peer).await;
        assert!(
            matches!(result, Err(CallError::Protocol(_))),
            "the result was {result:?}"
        );
        assert!(
            peer.written() < 32 * 1024 * 1024,
            "{} bytes",
            peer.written()
        );
    }
}

#[tokio::test]
async fn a_response_as_large_as_the_limit_is_complete() {
    let body = "x".repeat(MAX);
    let sized = format!("HTTP/1.1 200 OK\r\ncontent-length: {MAX}\r\n\r\n{body}");
    let (first, second) = body.split_at(MAX / 3);
    let chunked = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n",
        first.len(),
        second.len()
    );
    for response in [sized, chunked] {
        let response = Act::Write(response.leak().as_bytes());
        let peer = RawPeer::start(response, response).await;
        let (_, result) = call(&peer).await;
        assert_eq!(result, Ok(MAX));
    }
}

#[tokio::test]
async fn a_compressed_response_is_not_decompressed() {
    let gzip = Act::Write(
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\n\x1f\x8b\x08\x00",
    );
    let peer = RawPeer::start(gzip, gzip).await;
    let (_, result) = call(&peer).await;
    assert_eq!(result, Ok(4), "a small response could become a large one");
}

#[tokio::test]
async fn a_timeout_in_the_body_is_recorded_on_the_span() {
    let stuck = Act::Write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nok");
    let peer = RawPeer::start(stuck, stuck).await;
    let (parent, result) = call(&peer).await;
    assert_eq!(result, Err(CallError::Timeout));
    assert_eq!(peer.requests(), 1, "a timeout must not be retried");
    assert_trace(
        &parent,
        "
service: app
kind: server
name: GET /
children:
  - service: app
    kind: client
    name: GET /things/{id}
    status: error
    attributes: {error.type: timeout, http.response.status_code: 200}
",
    )
    .await;
}

#[tokio::test]
async fn each_attempt_that_lost_its_connection_has_a_span() {
    let peer = RawPeer::start(Act::Reset, Act::Write(OK)).await;
    let (parent, result) = call(&peer).await;
    assert_eq!(result, Ok(2));
    assert_trace(
        &parent,
        "
service: app
kind: server
name: GET /
events:
  - {name: retry, attributes: {http.request.resend_count: 1, error.type: connection_lost}}
children:
  - service: app
    kind: client
    name: GET /things/{id}
    status: error
    attributes: {error.type: connection_lost, http.request.resend_count: {present: false}}
  - service: app
    kind: client
    name: GET /things/{id}
    status: unset
    attributes: {http.response.status_code: 200, http.request.resend_count: 1}
",
    )
    .await;
}
