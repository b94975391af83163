//! What a server takes from its clients, and what it does not.

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
async fn a_head_that_is_too_large_is_answered_431() {
    let server = start(&[]).await;
    let long = "x".repeat(40 * 1024);
    let many = "x: y\r\n".repeat(101);
    for headers in [format!("x: {long}\r\n"), many] {
        let mut client = Raw::connect(server.public).await.unwrap();
        let request = format!("GET / HTTP/1.1\r\nhost: test\r\n{headers}\r\n");
        client.send(&request).await.unwrap();
        let answer = client.answer().await.unwrap();
        assert_eq!(answer.status, 431, "{} bytes of headers", headers.len());
    }
}

#[tokio::test]
async fn a_path_that_is_too_long_is_answered_414() {
    let server = start(&[]).await;
    let mut client = Raw::connect(server.public).await.unwrap();
    let path = format!("/?{}", "x".repeat(9 * 1024));
    assert_eq!(client.get(&path).await.unwrap().status, 414);
    let status = client.get("/").await.unwrap().status;
    assert_eq!(status, 200, "the connection is as good as before");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_answered_413_to_a_client_that_still_sends() {
    let server = start(&["--max-body", "1000"]).await;
    let body = vec![b'x'; 3 * 1024 * 1024];
    let known = format!("content-length: {}\r\n\r\n", body.len());
    let chunked = format!("transfer-encoding: chunked\r\n\r\n{:x}\r\n", body.len());
    for rest in [known, chunked] {
        let client = Raw::connect(server.public).await.unwrap();
        let (read, mut write) = client.stream.into_split();
        let request = format!("POST /echo HTTP/1.1\r\nhost: test\r\n{rest}");
        let body = body.clone();
        // The client writes all of it before it looks at the answer, as most do.
        let sent = tokio::spawn(async move {
            write.write_all(request.as_bytes()).await?;
            write.write_all(&body).await?;
            Ok::<_, std::io::Error>(write)
        });
        let write = sent.await.unwrap();
        let write = write.expect("the server must take in what the client sends, not reset it");
        let mut client = Raw {
            stream: read.reunite(write).unwrap(),
        };
        let answer = client.answer().await.expect("the 413 must arrive");
        assert_eq!(answer.status, 413, "to {rest:?}");
    }
}

#[tokio::test]
async fn a_body_within_the_limit_is_taken_whole() {
    let server = start(&["--max-body", "1000"]).await;
    let mut client = Raw::connect(server.public).await.unwrap();
    let body = "x".repeat(1000);
    let request = format!("POST /echo HTTP/1.1\r\nhost: t\r\ncontent-length: 1000\r\n\r\n{body}");
    client.send(&request).await.unwrap();
    let answer = client.answer().await.unwrap();
    assert_eq!((answer.status, answer.body), (200, body));
}

#[tokio::test]
async fn a_body_that_takes_too_long_is_answered_408() {
    let server = start(&["--body-timeout", "100ms"]).await;
    let mut client = Raw::connect(server.public).await.unwrap();
    let request = "POST /echo HTTP/1.1\r\nhost: test\r\ncontent-length: 10\r\n\r\nxx";
    client.send(request).await.unwrap();
    assert_eq!(client.answer().await.unwrap().status, 408);
}

#[tokio::test]
async fn a_head_that_trickles_in_is_ended_and_holds_up_nobody() {
    let server = start(&["--header-timeout", "200ms"]).await;
    let mut slow = Raw::connect(server.public).await.unwrap();
    let began = Instant::now();
    let others = async {
        let mut quick = Raw::connect(server.public).await.unwrap();
        for _ in 0..50 {
            assert_eq!(quick.get("/").await.unwrap().status, 200);
        }
    };
    tokio::join!(trickle_until_ended(&mut slow), others);
    let took = began.elapsed();
    assert!(
        took >= Duration::from_millis(200),
        "ended after {took:?}, too early"
    );
}

/// Sends a byte of a head every 10 ms.
async fn trickle_until_ended(client: &mut Raw) {
    client.send("GET / HTTP/1.1\r\nx: ").await.unwrap();
    until("a head that never ends to be ended", async || {
        client.send("xx").await.is_err()
    })
    .await;
}

#[tokio::test]
async fn a_connection_without_a_request_is_ended() {
    let server = start(&["--header-timeout", "100ms"]).await;
    let mut silent = Raw::connect(server.public).await.unwrap();
    assert_eq!(
        silent.closed().await,
        "",
        "nothing was asked, nothing is said"
    );
}

#[tokio::test]
async fn between_requests_a_connection_may_be_idle_for_longer_than_a_head_may_take() {
    let server = start(&["--header-timeout", "50ms", "--idle-timeout", "5s"]).await;
    let mut client = Raw::connect(server.public).await.unwrap();
    assert_eq!(client.get("/").await.unwrap().status, 200);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let again = client.get("/").await;
    assert_eq!(
        again.expect("the connection must still be there").status,
        200
    );
}

#[tokio::test]
async fn an_idle_connection_is_ended_after_the_idle_timeout() {
    let server = start(&["--idle-timeout", "100ms"]).await;
    let mut client = Raw::connect(server.public).await.unwrap();
    assert_eq!(client.get("/").await.unwrap().status, 200);
    assert_eq!(client.closed().await, "");
}

#[tokio::test]
async fn an_old_connection_is_closed_behind_an_answer_that_says_so() {
    let server = start(&["--max-connection-age", "100ms"]).await;
    let mut client = Raw::connect(server.public).await.unwrap();
    let first = client.get("/").await.unwrap();
    assert!(!first.closes(), "a young connection stays");
    tokio::time::sleep(Duration::from_millis(300)).await;
    let last = client.get("/").await;
    let last = last.expect("a connection that is only old must take a request");
    assert_eq!(last.status, 200);
    assert!(last.closes(), "the client must be asked to open another");
    assert_eq!(client.closed().await, "");
}

#[tokio::test]
async fn an_answer_that_pauses_is_not_idle() {
    let routes = parts(2, Duration::from_millis(300));
    let config = config(&["--idle-timeout", "50ms"]);
    let server = Running::start(routes, Router::new(), config).await;
    let mut client = Raw::connect(server.public).await.unwrap();
    let request = "GET /parts HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n";
    client.send(request).await.unwrap();
    let answer = client.closed().await;
    assert!(
        answer.ends_with("0\r\n\r\n"),
        "the answer must come to its end: {answer}"
    );
}

#[tokio::test]
async fn a_panic_is_answered_500_and_ends_nothing_else() {
    let server = start(&[]).await;
    let mut client = Raw::connect(server.public).await.unwrap();
    let answer = client.get("/panic").await.unwrap();
    assert_eq!(answer.status, 500);
    assert!(
        !answer.body.contains("on purpose"),
        "the cause must not be sent out: {}",
        answer.body
    );
    assert_eq!(client.get("/").await.unwrap().status, 200);
}

#[tokio::test]
async fn the_internal_routes_have_the_same_limits() {
    let config = config(&["--max-body", "3"]);
    let routes = server::with_middleware(routes(), ServerLayer::internal(), &config);
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
            assert_eq!(client.answer().await.unwrap().status, status, "to {rest:?}");
        }
    }
}

#[tokio::test]
async fn connections_past_the_limit_wait() {
    let server = start(&["--max-connections", "1"]).await;
    let mut first = Raw::connect(server.public).await.unwrap();
    assert_eq!(first.get("/").await.unwrap().status, 200);
    let mut second = Raw::connect(server.public).await.unwrap();
    second
        .send("GET / HTTP/1.1\r\nhost: test\r\n\r\n")
        .await
        .unwrap();
    let early = tokio::time::timeout(Duration::from_millis(100), second.answer()).await;
    assert!(early.is_err(), "there is room for one connection alone");
    drop(first);
    assert_eq!(second.answer().await.unwrap().status, 200);
}

#[tokio::test]
async fn what_is_no_http_is_answered_400() {
    let server = start(&[]).await;
    let mut client = Raw::connect(server.public).await.unwrap();
    client.send("hello there\r\n\r\n").await.unwrap();
    assert_eq!(client.answer().await.unwrap().status, 400);
}
