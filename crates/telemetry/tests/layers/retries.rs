//! Which failed attempts are repeated, and how many.

use std::time::Duration;

use reqwest::Method;
use telemetry::http::{CallError, ClientConfig};

use crate::raw_peer::{Act, OK, RawPeer};

/// Calls the peer as `GET` with two retries. Returns the result's body, or its error.
async fn call(method: Method, peer: &RawPeer) -> Result<String, CallError> {
    let client = telemetry::http::client(&ClientConfig {
        timeout: Duration::from_secs(5),
        retries: 2,
        backoff: Duration::from_millis(1),
        ..ClientConfig::default()
    })
    .expect("a client can be made");
    let response = client.request(method, peer.url()).send().await?;
    Ok(response.error_for_status()?.text().await?)
}

/// Every way in which a connection ends before the response is complete.
const BROKEN: &[(&str, Act)] = &[
    ("closed before the request was read", Act::CloseUnread),
    ("closed instead of a response", Act::WriteAndClose(b"")),
    ("reset", Act::Reset),
    ("in the status line", Act::WriteAndClose(b"HTTP/1.1 20")),
    (
        "in the head",
        Act::WriteAndClose(b"HTTP/1.1 200 OK\r\ncontent-le"),
    ),
    (
        "after an interim response",
        Act::WriteAndClose(b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    ),
    (
        "in the body",
        Act::WriteAndClose(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nok"),
    ),
    (
        "in a chunk",
        Act::WriteAndClose(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nok"),
    ),
    (
        "before the last chunk",
        Act::WriteAndClose(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n"),
    ),
    (
        "in the body of an error",
        Act::WriteAndClose(b"HTTP/1.1 404 Not Found\r\ncontent-length: 5\r\n\r\nok"),
    ),
];

#[tokio::test]
async fn an_idempotent_call_whose_connection_breaks_is_retried() {
    for (how, act) in BROKEN {
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let peer = RawPeer::start(*act, Act::Write(OK)).await;
            let result = call(method.clone(), &peer).await;
            assert_eq!(result, Ok("ok".to_owned()), "{method}, broken {how}");
            assert_eq!(peer.requests(), 2, "{method}, broken {how}");
        }
    }
}

#[tokio::test]
async fn a_call_that_is_not_idempotent_is_not_repeated_on_a_new_connection() {
    for (how, act) in BROKEN {
        let peer = RawPeer::start(*act, Act::Write(OK)).await;
        let result = call(Method::POST, &peer).await;
        assert!(
            matches!(result, Err(CallError::ConnectionLost(_))),
            "broken {how}, but the result was {result:?}"
        );
        assert_eq!(peer.requests(), 1, "broken {how}");
    }
}

#[tokio::test]
async fn a_call_on_a_kept_connection_that_the_peer_closes_is_retried() {
    let client = telemetry::http::client(&ClientConfig::default()).expect("a client can be made");
    let peer = RawPeer::start(Act::Write(OK), Act::WriteAndClose(b"")).await;
    let first = client.get(peer.url()).send().await;
    assert_eq!(first.expect("the first call succeeds").status(), 200);
    let second = client.get(peer.url()).send().await.map_err(CallError::from);
    assert!(
        matches!(second, Err(CallError::ConnectionLost(_))),
        "every further call must fail, but the result was {second:?}"
    );
    assert_eq!(
        peer.requests(),
        4,
        "the second call must have three attempts"
    );
}

#[tokio::test]
async fn a_failure_that_would_repeat_is_not_retried() {
    for act in [
        Act::Write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
        Act::Write(b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n"),
        Act::Write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n"),
        Act::Write(b"HTTP/1.1 200 OK\r\ncontent-length: 2000000\r\n\r\n"),
        Act::Write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"),
        Act::Write(b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n"),
        Act::Write(b"HTTP/1.1 429 Later\r\ncontent-length: 0\r\n\r\n"),
        Act::Write(b"HTTP/1.1 502 No\r\nx-should-retry: false\r\ncontent-length: 0\r\n\r\n"),
        Act::Write(b"HTTP/1.1 503 No\r\nX-Should-Retry: False\r\ncontent-length: 0\r\n\r\n"),
    ] {
        let peer = RawPeer::start(act, Act::Write(OK)).await;
        let result = call(Method::GET, &peer).await;
        assert!(result.is_err(), "{act:?} must be an error, not {result:?}");
        assert_eq!(peer.requests(), 1, "{act:?} must not be retried");
    }
}

#[tokio::test]
async fn retries_of_a_client_have_a_budget() {
    const CALLS: usize = 200;
    let failing = Act::Write(b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n");
    let peer = RawPeer::start(failing, failing).await;
    let client = telemetry::http::client(&ClientConfig {
        retries: 2,
        backoff: Duration::from_millis(1),
        timeout: Duration::from_secs(30),
        ..ClientConfig::default()
    })
    .expect("a client can be made");
    let start = std::time::Instant::now();
    for _ in 0..CALLS {
        let response = client.get(peer.url()).send().await;
        assert_eq!(response.expect("the peer responds").status(), 503);
    }
    let retries = peer.requests() - CALLS;
    // 100 at once, and 10 per second of a slow test.
    let allowed = 100 + 10 * usize::try_from(start.elapsed().as_secs() + 1).unwrap();
    assert!(
        (100..=allowed).contains(&retries),
        "{retries} retries for {CALLS} failed calls, not 100 to {allowed}"
    );
}
