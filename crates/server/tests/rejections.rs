//! Requests that are rejected before a handler: their responses, and their counts.

mod common;

use axum::Router;
use axum::body::Bytes;
use axum::routing::{get, post};
use common::{Raw, Running, config, until};
use telemetry::http::ServerLayer;
use tokio::io::AsyncWriteExt;

fn routes() -> Router {
    Router::new()
        .route("/", get(async || "here"))
        .route("/echo", post(async |body: Bytes| body))
}

/// Both ports have the same routes and limits.
async fn start() -> Running {
    let config = config(&[
        "--max-body",
        "10",
        "--body-timeout",
        "200ms",
        "--header-timeout",
        "500ms",
        "--idle-timeout",
        "60s",
    ]);
    let internal = server::with_middleware(routes(), ServerLayer::internal(), None, &config);
    Running::start(routes(), internal, config).await
}

async fn metrics(server: &Running) -> String {
    let mut client = Raw::connect(server.admin).await.unwrap();
    let response = client.get("/metrics").await.unwrap();
    assert!(
        response
            .head
            .contains("content-type: text/plain; version=0.0.4"),
        "{}",
        response.head
    );
    response.body
}

fn count(port: &str, reason: &str, count: u64) -> String {
    format!("http_rejected_requests_total{{port=\"{port}\",reason=\"{reason}\"}} {count}")
}

#[tokio::test]
async fn every_request_rejected_before_a_handler_is_counted_by_reason() {
    let server = start().await;
    let long = "x".repeat(9 * 1024);
    let large = "x".repeat(40 * 1024);
    for (reason, status, request) in [
        ("malformed", "400", "hello there\r\n\r\n".to_owned()),
        ("http2", "", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
        ("tls", "", "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}".to_owned()),
        (
            "head_too_large",
            "431",
            format!("GET / HTTP/1.1\r\nhost: t\r\nx: {large}\r\n\r\n"),
        ),
        ("invalid_host", "400", "GET / HTTP/1.1\r\n\r\n".to_owned()),
        (
            "path_too_long",
            "414",
            format!("GET /{long} HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n"),
        ),
        (
            "body_too_large",
            "413",
            "POST /echo HTTP/1.1\r\nhost: t\r\ncontent-length: 11\r\n\r\nxxxxxxxxxxx".to_owned(),
        ),
        (
            "body_timeout",
            "408",
            "POST /echo HTTP/1.1\r\nhost: t\r\ncontent-length: 5\r\n\r\nxx".to_owned(),
        ),
        ("header_timeout", "", "GET / HTTP/1.1\r\nhos".to_owned()),
        (
            "incomplete_head",
            "",
            "GET / HTTP/1.1\r\nhost: t\r\n".to_owned(),
        ),
    ] {
        for (name, port) in [("public", server.public), ("admin", server.admin)] {
            let before = metrics(&server).await;
            assert!(before.contains(&count(name, reason, 0)), "{before}");
            let mut client = Raw::connect(port).await.unwrap();
            client.send(&request).await.unwrap();
            if reason == "incomplete_head" || reason.starts_with("body_too") {
                client.stream.shutdown().await.unwrap();
            }
            if status.is_empty() || reason == "incomplete_head" {
                client.closed().await;
            } else {
                let response = client.response().await.unwrap();
                assert_eq!(response.status.to_string(), status, "{reason}");
            }
            until(reason, async || {
                metrics(&server).await.contains(&count(name, reason, 1))
            })
            .await;
        }
    }
    // Nothing else was counted, also not the connections of this test.
    let text = metrics(&server).await;
    let counts = text
        .lines()
        .filter(|line| line.starts_with("http_rejected_requests_total{"));
    assert!(counts.clone().all(|line| line.ends_with(" 1")), "{text}");
    assert_eq!(counts.count(), 20, "{text}");
}

#[tokio::test]
async fn accepted_requests_and_connections_without_a_request_are_not_counted() {
    let server = start().await;
    for port in [server.public, server.admin] {
        let mut client = Raw::connect(port).await.unwrap();
        assert_eq!(client.get("/").await.unwrap().status, 200);
        assert_eq!(client.get("/nothing").await.unwrap().status, 404);
        drop(client);
        let mut silent = Raw::connect(port).await.unwrap();
        silent.closed().await;
        drop(Raw::connect(port).await.unwrap());
    }
    let text = metrics(&server).await;
    let mut counts = text
        .lines()
        .filter(|line| line.starts_with("http_rejected_requests_total{"));
    assert!(counts.all(|line| line.ends_with(" 0")), "{text}");
}

#[tokio::test]
async fn a_host_that_is_missing_duplicated_or_invalid_gets_a_400() {
    let server = start().await;
    for (status, request) in [
        (200, "GET / HTTP/1.1\r\nhost: t\r\n\r\n"),
        (200, "GET / HTTP/1.1\r\nHOST:\t t:80 \r\n\r\n"),
        (200, "GET / HTTP/1.1\r\nhost:\r\n\r\n"),
        (200, "GET / HTTP/1.1\r\nhost: [::1]:80\r\n\r\n"),
        (200, "GET / HTTP/1.0\r\n\r\n"),
        (200, "GET / HTTP/1.0\r\nhost: t\r\n\r\n"),
        (200, "GET http://other:80/ HTTP/1.1\r\nhost: t\r\n\r\n"),
        (405, "OPTIONS / HTTP/1.1\r\nhost: t\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\n\r\n"),
        (400, "GET /nothing HTTP/1.1\r\n\r\n"),
        (400, "OPTIONS * HTTP/1.1\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nhost: t\r\nhost: t\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nhost: t\r\nx: y\r\nHost: u\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nhost: a b\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nhost: t/x\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nhost: user@t\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nhost: t:port\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nhost: \u{fc}\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nhost: ::1\r\n\r\n"),
        (400, "GET http://other/ HTTP/1.1\r\n\r\n"),
        (400, "GET http://other/ HTTP/1.1\r\nhost: a b\r\n\r\n"),
        (400, "GET http://user@other/ HTTP/1.1\r\nhost: t\r\n\r\n"),
        (400, "GET / HTTP/1.0\r\nhost: t\r\nhost: t\r\n\r\n"),
        (400, "GET / HTTP/1.0\r\nhost: a b\r\n\r\n"),
    ] {
        for port in [server.public, server.admin] {
            let mut client = Raw::connect(port).await.unwrap();
            client.send(request).await.unwrap();
            let response = client.response().await.unwrap();
            assert_eq!(response.status, status, "to {request:?}");
            let is_invalid = status == 400;
            assert_eq!(
                response.body.contains("Host header"),
                is_invalid,
                "to {request:?}: {}",
                response.body
            );
        }
    }
}
