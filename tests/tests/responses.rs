//! Responses of a peer that a service must survive, and how often it repeats its calls.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Result, ensure};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use futures_util::StreamExt;
use futures_util::future::try_join_all;
use tests::local::SystemConfig;
use tests::process::resident_memory;
use tests::traced_system::TracedSystem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use trace_contract::Request;

/// Serves `respond` on a free port for the rest of the test. Returns its base URL.
async fn peer(respond: impl Fn() -> Response + Clone + Send + Sync + 'static) -> Result<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let routes = Router::new().fallback(any(move || async move { respond() }));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(format!("http://{address}"))
}

/// A JSON array without an end.
fn endless() -> Response {
    let piece = Bytes::from("[0],".repeat(4096));
    let pieces = futures_util::stream::repeat(piece).map(Ok::<_, std::io::Error>);
    (
        [("content-type", "application/json")],
        Body::from_stream(pieces),
    )
        .into_response()
}

#[tokio::test]
async fn an_endless_response_does_not_grow_the_memory_of_its_reader() -> Result<()> {
    const MAX_GROWTH: u64 = 40 * 1024 * 1024;
    let peer = peer(endless).await?;
    let config = SystemConfig::new()
        .gateway("HELLO_URL", &peer)
        .gateway("HELLO_TIMEOUT", "20s")
        .hello("GATEWAY_URL", &peer)
        .hello("GATEWAY_TIMEOUT", "20s");
    let traced = TracedSystem::with(config).await?;
    let services = [
        (&traced.system.gateway, "/hello"),
        (&traced.system.hello, "/greetings/World"),
    ];
    for (service, path) in services {
        let before = resident_memory(service.pid())?;
        let requests = (0..8).map(async |_| {
            let request = Request::get(&(service.url() + path))?;
            traced
                .send(&request.timeout(Duration::from_mins(1)), 502)
                .await
        });
        try_join_all(requests).await?;
        let after = resident_memory(service.pid())?;
        ensure!(
            after < before + MAX_GROWTH,
            "eight endless responses must be refused at 1 MiB each, but the memory of {} grew from {before} to {after} bytes",
            service.name()
        );
    }
    Ok(())
}

#[tokio::test]
async fn retries_of_several_services_do_not_multiply() -> Result<()> {
    for (gateway_retries, hello_retries, attempts) in [(2, 2, 3), (2, 0, 1), (0, 2, 3), (10, 1, 2)]
    {
        let received = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&received);
        let failing = peer(move || {
            count.fetch_add(1, Ordering::SeqCst);
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        })
        .await?;
        let config = SystemConfig::new()
            .gateway("HELLO_RETRIES", gateway_retries.to_string())
            .hello("GATEWAY_RETRIES", hello_retries.to_string())
            .hello("GATEWAY_URL", failing);
        let traced = TracedSystem::with(config).await?;
        traced.send(&traced.get("/hello")?, 502).await?;
        let received = received.load(Ordering::SeqCst);
        ensure!(
            received == attempts,
            "with HELLO_RETRIES={gateway_retries} and GATEWAY_RETRIES={hello_retries} the failing service must receive {attempts} requests, but it received {received}"
        );
    }
    Ok(())
}

/// What every invalid response contains, followed by its number.
const CANARY: &str = "canary";

/// Every way in which a response can be invalid or unexpected. `CANARY` stands for
/// content that must not appear anywhere.
const INVALID: &[&str] = &[
    // The status line.
    "CANARY",
    "CANARY/1.1 200 OK\r\n\r\n",
    "HTTP/1.1 CANARY OK\r\n\r\n",
    "HTTP/1.1 500 CANARY\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.1 299 CANARY\r\ncontent-length: 6\r\n\r\nCANARY",
    "HTTP/1.1 999 CANARY\r\ncontent-length: 6\r\n\r\nCANARY",
    "SSH-2.0-CANARY\r\n\r\n",
    // Headers.
    "HTTP/1.1 200 OK\r\nCANARY\r\n\r\n",
    "HTTP/1.1 200 OK\r\nx-CANARY\u{1}: x\r\n\r\n",
    "HTTP/1.1 200 OK\r\nx-bad: CANARY\u{0}\r\n\r\n",
    "HTTP/1.1 200 OK\r\ncontent-length: CANARY\r\n\r\n",
    "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\nx: CANARY\r\n\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: CANARY\r\n\r\nCANARY",
    "HTTP/1.1 503 No\r\nretry-after: CANARY\r\nset-cookie: CANARY\r\ncontent-length: 6\r\n\r\nCANARY",
    "HTTP/1.1 302 Found\r\nlocation: http://u:CANARY@CANARY/CANARY?t=CANARY\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.1 401 No\r\nwww-authenticate: CANARY\r\ncontent-length: 6\r\n\r\nCANARY",
    "HTTP/1.1 404 CANARY\r\ncontent-type: application/json\r\ncontent-length: 18\r\n\r\n{\"error\":\"CANARY\"}",
    "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: CANARY\r\n\r\n",
    "HTTP/1.1 103 CANARY\r\nlink: CANARY\r\n\r\n",
    // The body.
    "HTTP/1.1 200 OK\r\ncontent-length: 2000000\r\n\r\nCANARY",
    "HTTP/1.1 200 OK\r\ncontent-length: 200\r\n\r\nCANARY",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nCANARY\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{CANARY\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;CANARY\r\n{\r\nCANARY\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nCANARY\r\n\r\n",
    "HTTP/1.1 200 OK\r\ncontent-type: text/html; CANARY\r\nconnection: close\r\n\r\n<h1>CANARY</h1>",
    "HTTP/1.1 200 OK\r\ncontent-encoding: CANARY\r\nconnection: close\r\n\r\n\u{1f}\u{8b}CANARY",
    "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n",
    "HTTP/1.1 204 CANARY\r\n\r\n",
    // JSON.
    "JSON \"CANARY\"",
    "JSON CANARY",
    "JSON [\"CANARY\", \"CANARY\", \"CANARY\"]",
    "JSON {\"CANARY\": 1}",
    "JSON {\"message\": {\"CANARY\": 1}, \"display_name\": [\"CANARY\"]}",
    "JSON {\"message\": \"CANARY",
    "JSON {\"message\": \"CANARY\\q\", \"display_name\": \"CANARY\\ud800\"}",
    "JSON {\"message\": 1, \"display_name\": \"x\", \"language\": \"CANARY\"}",
    "JSON {\"message\": 1, \"display_name\": \"x\", \"language\": {\"CANARY\": 1}}",
    "JSON {\"message\": \"CANARY\", \"message\": \"CANARY\", \"display_name\": \"CANARY\", \"display_name\": \"CANARY\"}",
    "JSON {\"display_name\": \"CANARY\", \"language\": \"CANARY\"} CANARY",
    "JSON {\"message\": \"CANARY\", \"language\": \"CANARY\"} CANARY",
    "JSON {\"CANARY\": DEEP}",
    "JSON DEEP\"CANARY\"",
    "JSON 1e999CANARY",
    "INVALID-UTF-8",
];

/// The bytes of a case of [`INVALID`] with its own canary.
fn invalid(case: &str, number: usize) -> Vec<u8> {
    const HEAD: &str =
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n";
    let canary = format!("{CANARY}{number}x");
    if case == "INVALID-UTF-8" {
        let json = format!("{HEAD}{{\"message\":\"{canary}");
        return [json.as_bytes(), b"\xff\"}"].concat();
    }
    let case = match case.strip_prefix("JSON ") {
        Some(json) => format!("{HEAD}{json}").replace("DEEP", &"[".repeat(500)),
        None => case.to_owned(),
    };
    case.replace("CANARY", &canary).into_bytes()
}

/// A server that writes the current response to each request, and closes the connection.
async fn raw_peer(response: Arc<Mutex<Vec<u8>>>) -> Result<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let response = response.lock().unwrap().clone();
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
                        return;
                    }
                }
                let _ = stream.write_all(&response).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    Ok(format!("http://{address}"))
}

#[tokio::test]
async fn nothing_that_a_peer_sends_in_an_invalid_response_appears_anywhere() -> Result<()> {
    let response = Arc::new(Mutex::new(Vec::new()));
    let peer = raw_peer(Arc::clone(&response)).await?;
    let config = SystemConfig::new()
        .gateway("HELLO_URL", &peer)
        .hello("GATEWAY_URL", &peer)
        .all("RUST_LOG", "debug");
    let traced = TracedSystem::with(config).await?;
    let mut seen = Vec::new();
    for (number, case) in INVALID.iter().enumerate() {
        *response.lock().unwrap() = invalid(case, number);
        for url in [
            traced.system.url("/hello"),
            traced.system.hello.url() + "/greetings/World",
        ] {
            let request = Request::get(&url)?;
            let received = request.send().await?;
            ensure!(
                received.status.is_server_error(),
                "{case:?} is invalid, but the response was {}",
                received.status
            );
            let body = String::from_utf8_lossy(&received.body).into_owned();
            seen.push(format!(
                "the response to {url}: {:?} {body}",
                received.headers
            ));
        }
    }
    traced
        .system
        .wait_until_exported(Duration::from_secs(20))
        .await?;
    let store = traced.receiver.store();
    for id in store.trace_ids() {
        seen.push(format!("a span: {:?}", store.trace(id)));
    }
    for service in traced.system.all() {
        let lines = service.output().lines();
        let lines = lines
            .iter()
            .map(|line| format!("the log of {}: {line}", service.name()));
        seen.extend(lines);
    }
    ensure!(
        seen.len() > 4 * INVALID.len(),
        "responses, spans and log lines must have been checked"
    );
    let found: Vec<_> = seen
        .iter()
        .filter(|text| text.to_lowercase().contains(CANARY))
        .collect();
    ensure!(
        found.is_empty(),
        "{} of {}: {found:#?}",
        found.len(),
        seen.len()
    );
    Ok(())
}
