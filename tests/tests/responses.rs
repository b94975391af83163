//! Responses of a peer that a service must survive, and how often it repeats its calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
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
