//! INTERNAL spans, as Go kit's tracing endpoint middleware makes them.

use std::borrow::Cow;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use telemetry::http::ServerLayer;
use telemetry::{EndpointError, EndpointLayer, KeyValue};
use tower::{Layer, Service, ServiceExt, service_fn};
use trace_contract::{Span, Store, TraceParent};

use crate::fixture::{self, assert_trace, serve, store};

#[derive(Debug, thiserror::Error)]
enum OrderError {
    #[error("there is no order {0}")]
    Unknown(u32),
    #[error("the store is on fire")]
    Broken,
}

impl EndpointError for OrderError {
    fn error_type(&self) -> Cow<'static, str> {
        match self {
            Self::Unknown(_) => "unknown_order".into(),
            Self::Broken => "store".into(),
        }
    }

    fn is_business(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }
}

async fn order(number: u32) -> Result<String, OrderError> {
    tokio::task::yield_now().await;
    match number {
        0 => Err(OrderError::Broken),
        1..=9 => {
            add_up(number).await;
            telemetry::spawn(in_background()).await.expect("no panic");
            Ok(format!("order {number}"))
        }
        _ => Err(OrderError::Unknown(number)),
    }
}

#[tracing::instrument(name = "add up")]
async fn add_up(number: u32) -> u32 {
    tokio::task::yield_now().await;
    tracing::info!(number, "added up");
    number + 1
}

#[tracing::instrument(name = "in background")]
async fn in_background() {
    tokio::task::yield_now().await;
}

fn layer() -> EndpointLayer<u32> {
    EndpointLayer::new("order")
        .name_from(|number| {
            if *number < 100 {
                Cow::Borrowed("order")
            } else {
                Cow::Borrowed("big order")
            }
        })
        .attributes(|number| vec![KeyValue::new("order.number", i64::from(*number))])
}

async fn handle(State(layer): State<EndpointLayer<u32>>, Path(number): Path<u32>) -> StatusCode {
    match layer.layer(service_fn(order)).oneshot(number).await {
        Ok(_) => StatusCode::OK,
        Err(OrderError::Unknown(_)) => StatusCode::NOT_FOUND,
        Err(OrderError::Broken) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

async fn orders() -> std::net::SocketAddr {
    let routes = Router::new()
        .route("/orders/{number}", get(handle))
        .with_state(layer())
        .layer(ServerLayer::internal());
    serve(routes).await
}

async fn order_trace(address: std::net::SocketAddr, number: u32) -> TraceParent {
    let parent = TraceParent::generate();
    fixture::get(&format!("http://{address}/orders/{number}"), &parent).await;
    parent
}

const COMPLETE: &str = "
service: app
kind: server
name: GET /orders/{number}
children:
  - service: app
    kind: internal
    name: order
    status: unset
    attributes: {order.number: 7}
    children:
      - {service: app, kind: internal, name: add up}
      - {service: app, kind: internal, name: in background}
";

#[tokio::test]
async fn the_applications_own_spans_are_children_of_the_endpoint() {
    let parent = order_trace(orders().await, 7).await;
    assert_trace(&parent, COMPLETE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn forty_concurrent_requests_are_forty_complete_traces() {
    let address = orders().await;
    let checked: Vec<_> = (0..40)
        .map(|_| {
            tokio::spawn(async move {
                let parent = order_trace(address, 7).await;
                assert_trace(&parent, COMPLETE).await;
            })
        })
        .collect();
    for one in checked {
        one.await.expect("every trace must be complete");
    }
}

#[tokio::test]
async fn a_failure_is_an_exception_event_and_an_error_of_the_span() {
    let parent = order_trace(orders().await, 0).await;
    assert_trace(
        &parent,
        "
service: app
kind: server
name: GET /orders/{number}
status: error
children:
  - service: app
    kind: internal
    name: order
    status: error
    attributes: {error.type: store}
    events:
      - name: exception
        attributes: {exception.type: store, exception.message: the store is on fire}
",
    )
    .await;
}

#[tokio::test]
async fn a_business_error_is_recorded_and_is_no_error_of_the_span() {
    let parent = order_trace(orders().await, 400).await;
    assert_trace(
        &parent,
        "
service: app
kind: server
name: GET /orders/{number}
status: unset
attributes: {http.response.status_code: 404}
children:
  - service: app
    kind: internal
    name: big order
    status: unset
    attributes: {error.type: {present: false}}
    events:
      - name: exception
        attributes: {exception.type: unknown_order, exception.message: there is no order 400}
",
    )
    .await;
}

#[tokio::test]
async fn the_span_of_a_dropped_call_is_cancelled() {
    let store = store();
    let mut service = EndpointLayer::new("dropped").layer(service_fn(|(): ()| async {
        std::future::pending::<Result<(), OrderError>>().await
    }));
    let dropped = tokio::time::timeout(Duration::from_millis(10), service.call(())).await;
    assert!(dropped.is_err(), "the service must not respond");
    store
        .wait_for(
            "the span that was dropped",
            Duration::from_secs(20),
            |store| dropped_span(store).is_some(),
        )
        .await
        .expect("the span must be exported");
    let span = dropped_span(&store).expect("it is in the store");
    assert_eq!(span.attributes["error.type"].as_str(), Some("cancelled"));
}

fn dropped_span(store: &Store) -> Option<Span> {
    let mut traces = store.trace_ids().into_iter();
    traces.find_map(|id| {
        let trace = store.trace(id)?;
        let span = trace.spans().iter().find(|span| span.name == "dropped");
        span.cloned()
    })
}
