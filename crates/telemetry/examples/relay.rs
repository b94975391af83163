//! A relay for the W3C Trace Context conformance suite. It uses this crate's public
//! layers, so what the suite proves is true of every service.
//!
//! `POST /test` takes `[{"url": "…", "arguments": [ … ]}, …]` and posts each
//! `arguments` to its `url` through the traced client. Listens on `RELAY_ADDR`
//! (default `127.0.0.1:5000`):
//!
//! ```sh
//! OTEL_TRACES_EXPORTER=none cargo run -p telemetry --example relay
//! STRICT_LEVEL=2 SPEC_LEVEL=2 python3 test.py http://127.0.0.1:5000/test
//! # in the suite's test folder
//! ```

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use axum::{Json, Router};
use reqwest_middleware::ClientWithMiddleware;
use serde_json::Value;
use telemetry::http::{ClientConfig, Route, ServerLayer};
use telemetry::{Config, Edge, ServiceInfo};

const SERVICE: ServiceInfo = ServiceInfo {
    name: "relay",
    version: env!("CARGO_PKG_VERSION"),
};

/// One entry of a request.
#[derive(serde::Deserialize)]
struct Call {
    url: String,
    #[serde(default)]
    arguments: Value,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let telemetry = telemetry::init(&Config::from_env(SERVICE)?)?;
    let client = telemetry::http::client(&ClientConfig {
        retries: 0,
        ..ClientConfig::default()
    })?;
    let routes = Router::new()
        .route("/test", post(relay))
        .with_state(client)
        .layer(ServerLayer::public(Edge::default()));
    let address = std::env::var("RELAY_ADDR").unwrap_or_else(|_| "127.0.0.1:5000".to_owned());
    let listener = tokio::net::TcpListener::bind(&address).await?;
    println!("relaying on http://{}/test", listener.local_addr()?);
    axum::serve(listener, routes)
        .with_graceful_shutdown(async {
            // Without a signal handler, serve until the process is stopped.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        })
        .await?;
    telemetry.shutdown(Duration::from_secs(5)).await;
    Ok(())
}

/// Makes the calls one after the other. The first one that fails ends the request with 502.
async fn relay(
    State(client): State<ClientWithMiddleware>,
    Json(calls): Json<Vec<Call>>,
) -> Result<StatusCode, (StatusCode, String)> {
    for Call { url, arguments } in calls {
        client
            .post(url)
            .with_extension(Route("/relayed"))
            .header(CONTENT_TYPE, "application/json")
            .body(arguments.to_string())
            .send()
            .await
            .map_err(telemetry::http::CallError::from)
            .map_err(|error| (StatusCode::BAD_GATEWAY, error.to_string()))?;
    }
    Ok(StatusCode::OK)
}
