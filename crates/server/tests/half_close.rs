//! Clients that close their side of the connection: those that still read get the response
//! (RFC 9112, section 9.6); the requests of those that have disconnected are cancelled.

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::routing::{get, post};
use common::{Raw, Running, TIMEOUT, config, parts};
use telemetry::http::ServerLayer;
use tokio::io::AsyncWriteExt;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

const SLOW: Duration = Duration::from_millis(300);
const LARGE: usize = 8 * 1024 * 1024;

fn routes() -> Router {
    let slow = async || {
        sleep(SLOW).await;
        "done"
    };
    parts(3, Duration::from_millis(100))
        .route("/", get(async || "done"))
        .route("/slow", get(slow))
        .route("/large", get(async || "x".repeat(LARGE)))
        .route("/echo", post(async |body: Bytes| body))
        .route("/ignore", post(async || "done"))
}

/// A server with a timeout longer than the test waits: what happens does not wait for it.
async fn start() -> Running {
    let config = config(&["--half-close-timeout", "60s"]);
    let internal = server::with_middleware(routes(), ServerLayer::internal(), None, &config);
    Running::start(routes(), internal, config).await
}

#[tokio::test]
async fn a_client_that_half_closes_receives_all_responses_and_the_end() {
    let server = start().await;
    for (request, responses, end) in [
        ("GET / HTTP/1.1\r\nhost: t\r\n\r\n", 1, "done"),
        (
            "GET / HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n",
            1,
            "done",
        ),
        ("GET / HTTP/1.0\r\n\r\n", 1, "done"),
        ("GET /slow HTTP/1.1\r\nhost: t\r\n\r\n", 1, "done"),
        ("GET /slow HTTP/1.0\r\n\r\n", 1, "done"),
        ("GET /parts HTTP/1.1\r\nhost: t\r\n\r\n", 1, "0\r\n\r\n"),
        ("GET /nothing HTTP/1.1\r\nhost: t\r\n\r\n", 1, "\r\n\r\n"),
        (
            "GET /slow HTTP/1.1\r\nhost: t\r\n\r\nGET /slow HTTP/1.1\r\nhost: t\r\n\r\nGET / HTTP/1.1\r\nhost: t\r\n\r\n",
            3,
            "done",
        ),
        (
            "POST /echo HTTP/1.1\r\nhost: t\r\ncontent-length: 4\r\n\r\nbody",
            1,
            "body",
        ),
        (
            "POST /echo HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
            1,
            "body",
        ),
        (
            "POST /ignore HTTP/1.1\r\nhost: t\r\ncontent-length: 4\r\n\r\nbody",
            1,
            "done",
        ),
    ] {
        for port in [server.public, server.admin] {
            let mut client = Raw::connect(port).await.unwrap();
            client.send(request).await.unwrap();
            client.stream.shutdown().await.unwrap();
            let received = client.closed().await;
            assert_eq!(
                received.matches("HTTP/1.").count(),
                responses,
                "to {request:?}: {received:?}"
            );
            assert!(received.ends_with(end), "to {request:?}: {received:?}");
        }
    }
}

#[tokio::test]
async fn a_client_that_half_closes_later_receives_the_response() {
    let server = start().await;
    let mut client = Raw::connect(server.public).await.unwrap();
    assert_eq!(client.get("/").await.unwrap().status, 200);
    client
        .send("GET /slow HTTP/1.1\r\nhost: t\r\n\r\n")
        .await
        .unwrap();
    sleep(SLOW / 3).await;
    client.stream.shutdown().await.unwrap();
    let received = client.closed().await;
    assert!(received.ends_with("done"), "{received:?}");
}

#[tokio::test]
async fn a_slow_client_that_half_closes_receives_a_large_response() {
    let server = start().await;
    let mut client = Raw::connect(server.public).await.unwrap();
    client
        .send("GET /large HTTP/1.1\r\nhost: t\r\n\r\n")
        .await
        .unwrap();
    client.stream.shutdown().await.unwrap();
    sleep(SLOW).await;
    let received = client.closed().await;
    assert!(received.len() > LARGE, "{} bytes", received.len());
}

#[tokio::test]
async fn a_client_that_half_closes_receives_its_response_while_the_server_drains() {
    let server = start().await;
    let mut client = Raw::connect(server.public).await.unwrap();
    client
        .send("GET /slow HTTP/1.1\r\nhost: t\r\n\r\n")
        .await
        .unwrap();
    client.stream.shutdown().await.unwrap();
    sleep(SLOW / 3).await;
    let ending = server.stop();
    let received = client.closed().await;
    assert!(received.ends_with("done"), "{received:?}");
    assert_eq!(ending.await.unwrap().force_closed, 0);
}

#[tokio::test]
async fn the_end_of_a_client_whose_body_is_incomplete_is_an_error_immediately() {
    let server = start().await;
    let mut client = Raw::connect(server.public).await.unwrap();
    let request = "POST /echo HTTP/1.1\r\nhost: t\r\ncontent-length: 10\r\n\r\nxx";
    client.send(request).await.unwrap();
    client.stream.shutdown().await.unwrap();
    let received = client.closed().await;
    assert!(!received.contains(" 200 "), "{received:?}");
}

/// Notifies when it is dropped.
struct Guard(Arc<Notify>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// A server with a request in flight that never ends by itself, its client, and a notification
/// for the end of the handler.
async fn pending(half_close_timeout: &str) -> (Running, Raw, Arc<Notify>) {
    let (received, cancelled) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let handler = {
        let (received, cancelled) = (Arc::clone(&received), Arc::clone(&cancelled));
        async move || {
            let _guard = Guard(cancelled);
            received.notify_one();
            std::future::pending::<&str>().await
        }
    };
    let routes = Router::new().route("/pending", get(handler));
    let config = config(&["--half-close-timeout", half_close_timeout]);
    let server = Running::start(routes, Router::new(), config).await;
    let mut client = Raw::connect(server.public).await.unwrap();
    let request = "GET /pending HTTP/1.1\r\nhost: t\r\n\r\n";
    client.send(request).await.unwrap();
    received.notified().await;
    (server, client, cancelled)
}

#[tokio::test]
async fn a_reset_cancels_the_request_immediately() {
    let (_server, client, cancelled) = pending("60s").await;
    client.stream.set_zero_linger().unwrap();
    drop(client);
    let cancelled = timeout(TIMEOUT, cancelled.notified()).await;
    cancelled.expect("a reset must cancel the request before HALF_CLOSE_TIMEOUT");
}

#[tokio::test]
async fn a_close_cancels_the_request_after_the_half_close_timeout() {
    let (_server, client, cancelled) = pending("400ms").await;
    let start = Instant::now();
    drop(client);
    let in_time = timeout(TIMEOUT, cancelled.notified()).await;
    in_time.expect("a client that has disconnected must not keep its request forever");
    let took = start.elapsed();
    assert!(
        took >= Duration::from_millis(400),
        "cancelled after {took:?}"
    );
    let (_server, client, cancelled) = pending("0s").await;
    drop(client);
    let in_time = timeout(TIMEOUT, cancelled.notified()).await;
    in_time.expect("with 0s, a close must cancel the request");
}

#[tokio::test]
async fn an_idle_client_that_half_closes_is_closed_immediately() {
    let server = start().await;
    let mut client = Raw::connect(server.public).await.unwrap();
    assert_eq!(client.get("/").await.unwrap().status, 200);
    client.stream.shutdown().await.unwrap();
    assert_eq!(client.closed().await, "");
}
