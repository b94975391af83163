//! An axum program, traced with ten added lines: those that end with `// +`, and
//! the dependency `telemetry` in its Cargo.toml.
//!
//! ```sh
//! OTEL_TRACES_EXPORTER=console cargo run -p telemetry --example axum
//! curl http://127.0.0.1:3000/books/1
//! ```

use std::time::Duration;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use telemetry::http::ServerLayer; // +
use telemetry::{Config, Edge, ServiceInfo}; // +

const SERVICE: ServiceInfo = ServiceInfo::new("books", "1.0.0"); // +

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let telemetry = telemetry::init(&Config::from_env(SERVICE)?)?; // +
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, routes())
        .with_graceful_shutdown(interrupt())
        .await?;
    telemetry.shutdown(Duration::from_secs(5)).await; // +
    Ok(())
}

async fn interrupt() {
    let signal = tokio::signal::ctrl_c().await;
    signal.expect("a signal handler can be installed");
}

pub(crate) fn routes() -> Router {
    Router::new()
        .route("/books/{id}", get(book))
        .layer(ServerLayer::public(Edge::default())) // +
}

async fn book(Path(id): Path<i64>) -> Result<Json<String>, StatusCode> {
    telemetry::set_attribute("book.id", id); // +
    let title = find_title(id).await;
    title.map(Json).ok_or(StatusCode::NOT_FOUND)
}

#[tracing::instrument] // +
async fn find_title(id: i64) -> Option<String> {
    let rows = query("SELECT title FROM books WHERE id = $1", id).await;
    rows.into_iter().next()
}

/// Stands for a database driver.
#[tracing::instrument(name = "SELECT books", skip(id))] // +
async fn query(statement: &str, id: i64) -> Vec<String> {
    tokio::time::sleep(Duration::from_millis(2)).await;
    let title = match id {
        1 => "Emma",
        2 => "Ulysses",
        _ => return Vec::new(),
    };
    vec![title.to_owned()]
}
