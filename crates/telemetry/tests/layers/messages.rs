//! Context in messages that are not HTTP, and attributes of the current span.

use std::collections::HashMap;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::get;
use telemetry::http::ServerLayer;
use telemetry::propagation::{self, FutureExt, HeaderExtractor, HeaderInjector};
use trace_contract::TraceParent;

use crate::fixture::{self, assert_trace, serve};

#[tracing::instrument(name = "consume")]
async fn consume(size: i64) {
    tokio::task::yield_now().await;
    telemetry::set_attribute("message.priority", 3_i64);
}

/// Sends a message to a consumer in another task.
async fn produce() {
    telemetry::set_attribute("messages", true);
    let mut message = HashMap::new();
    propagation::inject(&mut message);
    consumed(propagation::extract(&message)).await;

    let mut headers = HeaderMap::new();
    propagation::inject(&mut HeaderInjector(&mut headers));
    consumed(propagation::extract(&HeaderExtractor(&headers))).await;
}

async fn consumed(producer: propagation::Context) {
    let consumer = tokio::spawn(consume(7).with_context(producer));
    consumer.await.expect("the consumer must not panic");
}

#[tokio::test]
async fn a_message_carries_the_trace_of_its_producer() {
    let routes = Router::new()
        .route("/produce", get(produce))
        .layer(ServerLayer::internal());
    let address = serve(routes).await;
    let parent = TraceParent::generate();
    fixture::get(&format!("http://{address}/produce"), &parent).await;
    assert_trace(
        &parent,
        "
service: app
kind: server
name: GET /produce
attributes: {messages: true}
children:
  - {service: app, kind: internal, name: consume, attributes: {size: 7, message.priority: 3}, repeat: 2}
",
    )
    .await;
}
