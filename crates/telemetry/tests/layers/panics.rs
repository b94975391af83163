//! A panic must not look like a client that disconnected, with and without a
//! layer that catches it.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::routing::{any, get};
use telemetry::http::{ClientConfig, Route, ServerLayer};
use telemetry::{EndpointError, EndpointLayer};
use tokio::sync::Notify;
use tower::{Layer, ServiceExt, service_fn};
use tower_http::catch_panic::CatchPanicLayer;
use trace_contract::TraceParent;

use crate::fixture::{assert_trace, caller, serve};

#[derive(Debug, thiserror::Error)]
#[error("never returned")]
struct Never;

impl EndpointError for Never {
    fn error_type(&self) -> std::borrow::Cow<'static, str> {
        "never".into()
    }
}

/// A route whose endpoint panics while it calls a service that does not respond.
async fn panicking() -> Router {
    let called = Arc::new(Notify::new());
    let notify = Arc::clone(&called);
    let silent = any(move || async move {
        notify.notify_one();
        std::future::pending::<()>().await;
    });
    let silent = serve(Router::new().fallback(silent)).await;
    let client = telemetry::http::client(&ClientConfig::default()).unwrap();
    let work = service_fn(move |(): ()| {
        let (client, called) = (client.clone(), Arc::clone(&called));
        async move {
            let call = client
                .get(format!("http://{silent}/"))
                .with_extension(Route("/"));
            let panic = async {
                called.notified().await;
                panic!("expected by the test");
            };
            let (_, ()) = tokio::join!(call.send(), panic);
            Ok::<(), Never>(())
        }
    });
    let endpoint = EndpointLayer::new("work").layer(work);
    Router::new().route(
        "/panics",
        get(move || async move { endpoint.oneshot(()).await.unwrap() }),
    )
}

/// Calls the route; the status of the response, if there is one, and the trace's root.
async fn assert_panic(routes: Router, status: Option<u16>, root: &str) {
    let address = serve(routes).await;
    let parent = TraceParent::generate();
    let request = caller()
        .get(format!("http://{address}/panics"))
        .header("traceparent", parent.header());
    let response = request.send().await.ok();
    let actual = response.map(|response| response.status().as_u16());
    assert_eq!(actual, status, "the status of the response");
    let contract = format!(
        "
service: app
kind: server
name: GET /panics
status: error
attributes: {root}
children:
  - service: app
    kind: internal
    name: work
    status: error
    attributes: {{error.type: panic}}
    children:
      - {{service: app, kind: client, name: GET /, status: error, attributes: {{error.type: panic}}}}
"
    );
    assert_trace(&parent, &contract).await;
}

#[tokio::test]
async fn a_panic_that_is_not_caught_is_an_error_of_every_open_span() {
    let routes = panicking().await.layer(ServerLayer::internal());
    let root = "{error.type: panic, http.response.status_code: {present: false}}";
    assert_panic(routes, None, root).await;
}

#[tokio::test]
async fn a_panic_that_is_caught_outside_the_span_is_an_error_of_every_open_span() {
    let routes = panicking()
        .await
        .layer(ServerLayer::internal())
        .layer(CatchPanicLayer::new());
    let root = "{error.type: panic, http.response.status_code: {present: false}}";
    assert_panic(routes, Some(500), root).await;
}

#[tokio::test]
async fn a_panic_that_is_caught_inside_the_span_is_a_500() {
    let routes = panicking()
        .await
        .layer(CatchPanicLayer::new())
        .layer(ServerLayer::internal());
    let root = "{error.type: '500', http.response.status_code: 500}";
    assert_panic(routes, Some(500), root).await;
}

#[tokio::test]
async fn a_panic_before_the_handler_returns_its_future_is_an_error_too() {
    let service = service_fn(|request: axum::extract::Request| {
        assert!(request.headers().is_empty(), "expected by the test");
        std::future::ready(Ok::<_, Infallible>(axum::response::Response::new(
            axum::body::Body::empty(),
        )))
    });
    let routes = Router::new()
        .route_service("/panics", service)
        .layer(ServerLayer::internal());
    let address = serve(routes).await;
    let parent = TraceParent::generate();
    let request = caller()
        .get(format!("http://{address}/panics"))
        .header("traceparent", parent.header());
    assert!(
        request.send().await.is_err(),
        "the connection must be closed"
    );
    assert_trace(
        &parent,
        "{service: app, kind: server, name: GET /panics, status: error, attributes: {error.type: panic}}",
    )
    .await;
}
