//! Limits for heads, paths, bodies, and connections; panics.

mod common;

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::routing::{get, post};
use common::{Raw, Running, config, parts, until};
use telemetry::http::ServerLayer;
use tokio::io::AsyncWriteExt;

fn routes() -> Router {
    Router::new()
        .route("/", get(async || "here"))
        .route("/echo", post(async |body: Bytes| body))
        .route("/panic", get(panics))
}

async fn panics() -> &'static str {
    panic!("on purpose")
}

async fn start(flags: &[&str]) -> Running {
    Running::start(routes(), Router::new(), config(flags)).await
}

#[tokio::test]
async fn a_head_that_is_too_large_gets_a_431() {
    let server = start(&[]).await;
    let long = "x".repeat(40 * 1024);
    let many = "x: y\r\n".repeat(101);
    for headers in [format!("x: {long}\r\n"), many] {
        let mut client = Raw::connect(server.public).await.unwrap();
        let request = format!("GET / HTTP/1.1\r\nhost: test\r\n{headers}\r\n");
        client.send(&request).await.unwrap();
        let response = client.response().await.unwrap();
        assert_eq!(response.status, 431, "{} bytes of headers", headers.len());
    }
}

#[tokio::test]
async fn a_path_that_is_too_long_gets_a_414() {
    let server = start(&[]).await;
    let mut client = Raw::connect(server.public).await.unwrap();
    let path = format!("/?{}", "x".repeat(9 * 1024));
    assert_eq!(client.get(&path).await.unwrap().status, 414);
    let status = client.get("/").await.unwrap().status;
    assert_eq!(status, 200, "the connection must still work");
}

#[tokio::test]
async fn a_client_that_still_sends_a_body_that_is_too_large_receives_the_413() {
    let server = start(&["--max-body", "1000"]).await;
    let body = vec![b'x'; 3 * 1024 * 1024];
    let known = format!("content-length: {}\r\n\r\n", body.len());
    let chunked = format!("transfer-encoding: chunked\r\n\r\n{:x}\r\n", body.len());
    for rest in [known, chunked] {
        let client = Raw::connect(server.public).await.unwrap();
        let (read, mut write) = client.stream.into_split();
        let request = format!("POST /echo HTTP/1.1\r\nhost: test\r\n{rest}");
        let body = body.clone();
        // Like most clients, this one reads the response only after it has sent the body.
        let sent = tokio::spawn(async move {
            write.write_all(request.as_bytes()).await?;
            write.write_all(&body).await?;
            Ok::<_, std::io::Error>(write)
        });
        let write = sent.await.unwrap();
        let write =
            write.expect("the server must read what the client sends, not reset the connection");
        let mut client = Raw {
            stream: read.reunite(write).unwrap(),
        };
        let response = client.response().await.expect("the 413 must arrive");
        assert_eq!(response.status, 413, "to {rest:?}");
    }
}

#[tokio::test]
async fn a_body_within_the_limit_is_accepted() {
    let server = start(&["--max-body", "1000"]).await;
    let mut client = Raw::connect(server.public).await.unwrap();
    let body = "x".repeat(1000);
    let request = format!("POST /echo HTTP/1.1\r\nhost: t\r\ncontent-length: 1000\r\n\r\n{body}");
    client.send(&request).await.unwrap();
    let response = client.response().await.unwrap();
    assert_eq!((response.status, response.body), (200, body));
}

#[tokio::test]
async fn a_body_that_takes_too_long_gets_a_408() {
    let server = start(&["--body-timeout", "100ms"]).await;
    let mut client = Raw::connect(server.public).await.unwrap();
    let request = "POST /echo HTTP/1.1\r\nhost: test\r\ncontent-length: 10\r\n\r\nxx";
    client.send(request).await.unwrap();
    assert_eq!(client.response().await.unwrap().status, 408);
}

#[tokio::test]
async fn a_connection_whose_head_trickles_in_is_closed_and_delays_no_other() {
    let server = start(&["--header-timeout", "200ms"]).await;
    let mut slow = Raw::connect(server.public).await.unwrap();
    let start = Instant::now();
    let others = async {
        let mut quick = Raw::connect(server.public).await.unwrap();
        for _ in 0..50 {
            assert_eq!(quick.get("/").await.unwrap().status, 200);
        }
    };
    tokio::join!(trickle_until_closed(&mut slow), others);
    let took = start.elapsed();
    assert!(
        took >= Duration::from_millis(200),
        "closed after {took:?}, too early"
    );
}

/// Sends a byte of a head every 10 ms.
async fn trickle_until_closed(client: &mut Raw) {
    client.send("GET / HTTP/1.1\r\nx: ").await.unwrap();
    until("the connection to be closed", async || {
        client.send("xx").await.is_err()
    })
    .await;
}

#[tokio::test]
async fn a_connection_without_a_request_is_closed() {
    let server = start(&["--header-timeout", "100ms"]).await;
    let mut silent = Raw::connect(server.public).await.unwrap();
    assert_eq!(silent.closed().await, "", "there was no request");
}

#[tokio::test]
async fn between_requests_the_header_timeout_does_not_apply() {
    let server = start(&["--header-timeout", "50ms", "--idle-timeout", "5s"]).await;
    let mut client = Raw::connect(server.public).await.unwrap();
    assert_eq!(client.get("/").await.unwrap().status, 200);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let again = client.get("/").await;
    assert_eq!(
        again.expect("the connection must still be open").status,
        200
    );
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_the_idle_timeout() {
    let server = start(&["--idle-timeout", "100ms"]).await;
    let mut client = Raw::connect(server.public).await.unwrap();
    assert_eq!(client.get("/").await.unwrap().status, 200);
    assert_eq!(client.closed().await, "");
}

#[tokio::test]
async fn an_old_connection_closes_after_a_response_with_connection_close() {
    let server = start(&["--max-connection-age", "100ms"]).await;
    let mut client = Raw::connect(server.public).await.unwrap();
    let first = client.get("/").await.unwrap();
    assert!(!first.closes(), "a young connection stays open");
    tokio::time::sleep(Duration::from_millis(300)).await;
    let last = client.get("/").await;
    let last = last.expect("an old connection must accept one more request");
    assert_eq!(last.status, 200);
    assert!(last.closes(), "the client must open a new connection");
    assert_eq!(client.closed().await, "");
}

#[tokio::test]
async fn a_streaming_response_that_pauses_is_not_idle() {
    let routes = parts(2, Duration::from_millis(300));
    let config = config(&["--idle-timeout", "50ms"]);
    let server = Running::start(routes, Router::new(), config).await;
    let mut client = Raw::connect(server.public).await.unwrap();
    let request = "GET /parts HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n";
    client.send(request).await.unwrap();
    let response = client.closed().await;
    assert!(
        response.ends_with("0\r\n\r\n"),
        "the response must be complete: {response}"
    );
}

#[tokio::test]
async fn a_panic_gets_a_500_and_affects_no_other_request() {
    let server = start(&[]).await;
    let mut client = Raw::connect(server.public).await.unwrap();
    let response = client.get("/panic").await.unwrap();
    assert_eq!(response.status, 500);
    assert!(
        !response.body.contains("on purpose"),
        "the cause must not be sent to the client: {}",
        response.body
    );
    assert_eq!(client.get("/").await.unwrap().status, 200);
}

#[tokio::test]
async fn the_internal_routes_have_the_same_limits() {
    let config = config(&["--max-body", "3"]);
    let routes = server::with_middleware(routes(), ServerLayer::internal(), None, &config);
    let server = Running::start(Router::new(), routes, config).await;
    let mut client = Raw::connect(server.admin).await.unwrap();
    assert_eq!(client.get("/panic").await.unwrap().status, 500);
    let long = format!("/panic?{}", "x".repeat(9 * 1024));
    assert_eq!(client.get(&long).await.unwrap().status, 414);
    for (body, status) in [("abc", 200), ("abcd", 413)] {
        for rest in [
            format!("content-length: {}\r\n\r\n{body}", body.len()),
            format!(
                "transfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
                body.len()
            ),
        ] {
            let mut client = Raw::connect(server.admin).await.unwrap();
            let request = format!("POST /echo HTTP/1.1\r\nhost: test\r\n{rest}");
            client.send(&request).await.unwrap();
            assert_eq!(
                client.response().await.unwrap().status,
                status,
                "to {rest:?}"
            );
        }
    }
}

#[tokio::test]
async fn connections_above_the_limit_are_queued() {
    let server = start(&["--max-connections", "1"]).await;
    let mut first = Raw::connect(server.public).await.unwrap();
    assert_eq!(first.get("/").await.unwrap().status, 200);
    let mut second = Raw::connect(server.public).await.unwrap();
    second
        .send("GET / HTTP/1.1\r\nhost: test\r\n\r\n")
        .await
        .unwrap();
    let early = tokio::time::timeout(Duration::from_millis(100), second.response()).await;
    assert!(early.is_err(), "only one connection is allowed");
    drop(first);
    assert_eq!(second.response().await.unwrap().status, 200);
}

#[tokio::test]
async fn a_malformed_request_gets_a_400() {
    let server = start(&[]).await;
    let mut client = Raw::connect(server.public).await.unwrap();
    client.send("hello there\r\n\r\n").await.unwrap();
    assert_eq!(client.response().await.unwrap().status, 400);
}
