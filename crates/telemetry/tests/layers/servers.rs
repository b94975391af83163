//! SERVER spans: the HTTP semantic conventions, the edge, and every way in which
//! a request can end, except panics.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use axum::routing::{get, post};
use futures_util::StreamExt;
use telemetry::http::ServerLayer;
use telemetry::{BaggageKeys, Edge, EdgeTrace};
use tower::{Layer, ServiceExt, service_fn};
use trace_contract::{Expectation, TraceParent};

use crate::fixture::{self, assert_trace, assert_trace_as, caller, serve, store};

fn open_edge() -> ServerLayer {
    ServerLayer::public(Edge::new(
        EdgeTrace::Continue,
        "tenant".parse().expect("a key"),
    ))
}

#[tokio::test]
async fn a_span_has_the_attributes_of_the_conventions_and_no_secret() {
    let routes = Router::new()
        .route("/items/{id}", get(|| async { "ok" }))
        .layer(open_edge());
    let address = serve(routes).await;
    let parent = TraceParent::generate();
    let response = caller()
        .get(format!("http://{address}/items/7?token=s3cret"))
        .header("traceparent", parent.header())
        .header("authorization", "Bearer s3cret")
        .header("cookie", "session=s3cret")
        .header("x-forwarded-for", "203.0.113.9")
        .header("baggage", "tenant=blue,password=s3cret")
        .send()
        .await
        .expect("the request must succeed");
    let trace_response = response.headers()["traceresponse"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        trace_response.contains(&parent.trace_id().to_string()),
        "traceresponse must contain the trace id: {trace_response}"
    );
    let port = address.port();
    let trace = assert_trace(
        &parent,
        &format!(
            "
service: app
kind: server
name: GET /items/{{id}}
status: unset
resource:
  service.version: 1.2.3
  telemetry.sdk.language: rust
attributes:
  http.request.method: GET
  http.route: /items/{{id}}
  http.response.status_code: 200
  url.path: /items/7
  url.scheme: http
  url.query: {{present: false}}
  server.address: 127.0.0.1
  server.port: {port}
  client.address: 203.0.113.9
  network.protocol.version: '1.1'
  user_agent.original: caller/1
  error.type: {{present: false}}
  tenant: blue
  password: {{present: false}}
"
        ),
    )
    .await;
    assert!(
        !format!("{trace:?}").contains("s3cret"),
        "a secret is in the span: {trace:?}"
    );
}

#[tokio::test]
async fn only_a_5xx_is_an_error_of_the_span() {
    let routes = Router::new()
        .route("/gone", get(|| async { StatusCode::GONE }))
        .route("/broken", get(|| async { StatusCode::BAD_GATEWAY }))
        .layer(open_edge());
    let address = serve(routes).await;
    for (path, status, expected) in [
        (
            "/gone",
            "unset",
            "http.response.status_code: 410, error.type: {present: false}",
        ),
        (
            "/broken",
            "error",
            "http.response.status_code: 502, error.type: '502'",
        ),
    ] {
        let parent = TraceParent::generate();
        fixture::get(&format!("http://{address}{path}"), &parent).await;
        let contract = format!(
            "{{service: app, kind: server, name: GET {path}, status: {status}, attributes: {{{expected}}}}}"
        );
        assert_trace(&parent, &contract).await;
    }
}

#[tokio::test]
async fn an_unknown_route_and_an_unknown_method_never_become_names() {
    let routes = Router::new()
        .route("/known", post(|| async { "ok" }))
        .layer(open_edge());
    let address = serve(routes).await;
    let parent = TraceParent::generate();
    fixture::get(&format!("http://{address}/unknown/4711"), &parent).await;
    assert_trace(
        &parent,
        "{service: app, kind: server, name: GET, status: unset,
          attributes: {http.response.status_code: 404, http.route: {present: false}, url.path: /unknown/4711}}",
    )
    .await;
    let parent = TraceParent::generate();
    let method = reqwest::Method::from_bytes(b"BREW").unwrap();
    caller()
        .request(method, format!("http://{address}/known"))
        .header("traceparent", parent.header())
        .send()
        .await
        .expect("the request must succeed");
    assert_trace(
        &parent,
        "{service: app, kind: server, name: HTTP /known, status: unset,
          attributes: {http.request.method: _OTHER, http.request.method_original: BREW, http.response.status_code: 405}}",
    )
    .await;
}

#[tokio::test]
async fn the_span_of_a_streamed_response_ends_with_its_last_byte() {
    let routes = Router::new()
        .route(
            "/stream",
            get(|| async {
                let chunks = futures_util::stream::iter(0..3).then(|number| async move {
                    tokio::time::sleep(Duration::from_millis(40)).await;
                    Ok::<_, std::io::Error>(number.to_string())
                });
                Body::from_stream(chunks)
            }),
        )
        .layer(open_edge());
    let address = serve(routes).await;
    let parent = TraceParent::generate();
    let response = fixture::get(&format!("http://{address}/stream"), &parent).await;
    assert_eq!(response.text().await.expect("the complete body"), "012");
    let trace = assert_trace(
        &parent,
        "{service: app, kind: server, name: GET /stream, status: unset}",
    )
    .await;
    let lasted = Duration::from_nanos(trace.spans()[0].duration());
    assert!(
        lasted >= Duration::from_millis(120),
        "the span must last as long as the body, not {lasted:?}"
    );
}

#[tokio::test]
async fn the_span_of_a_client_that_disconnects_is_cancelled() {
    let routes = Router::new()
        .route("/slow", get(std::future::pending::<&str>))
        .layer(open_edge());
    let address = serve(routes).await;
    let parent = TraceParent::generate();
    let given_up = caller()
        .get(format!("http://{address}/slow"))
        .header("traceparent", parent.header())
        .timeout(Duration::from_millis(100))
        .send()
        .await;
    assert!(given_up.is_err(), "/slow must not respond");
    assert_trace(
        &parent,
        "{service: app, kind: server, name: GET /slow, status: unset,
          attributes: {error.type: cancelled, http.response.status_code: {present: false}}}",
    )
    .await;
}

#[tokio::test]
async fn a_linked_edge_starts_a_new_trace_with_a_link_to_the_caller() {
    let layer = ServerLayer::public(Edge::new(EdgeTrace::Link, BaggageKeys::default()));
    let routes = Router::new()
        .route("/linked", get(|| async { "ok" }))
        .layer(layer);
    let address = serve(routes).await;
    // The caller does not sample; the new trace is sampled by this system's rules.
    let parent = TraceParent::unsampled();
    let response = fixture::get(&format!("http://{address}/linked"), &parent).await;
    let trace_response = response.headers()["traceresponse"].to_str().unwrap();
    let ours: Vec<&str> = trace_response.split('-').collect();
    assert_ne!(
        ours[1],
        parent.trace_id().to_string(),
        "the trace must be new"
    );
    let id = ours[1].parse().expect("it is a trace id");
    assert_trace_as(
        id,
        "{service: app, kind: server, name: GET /linked, links: [{to: caller}]}",
        &Expectation::starts_new_trace(&parent),
    )
    .await;
}

#[tokio::test]
async fn malformed_headers_start_a_trace_and_never_fail_a_request() {
    let routes = Router::new()
        .route("/any", get(|| async { "ok" }))
        .layer(open_edge());
    let address = serve(routes).await;
    for bad in [
        "",
        "00-x",
        "ff-0-0-0",
        "\u{e9}",
        "00-00000000000000000000000000000000-0000000000000000-01",
    ] {
        let response = caller()
            .get(format!("http://{address}/any"))
            .header("traceparent", bad)
            .header("tracestate", "===,,")
            .header("baggage", "%%%;;;,=")
            .send()
            .await
            .expect("the request must succeed");
        assert_eq!(response.status(), 200, "traceparent {bad:?}");
        assert!(
            response.headers().contains_key("traceresponse"),
            "a new trace must have started for {bad:?}"
        );
    }
}

#[tokio::test]
async fn the_span_of_a_head_request_ends_although_its_body_is_not_sent() {
    let chunks =
        || async { Body::from_stream(futures_util::stream::iter([Ok::<_, Infallible>("chunk")])) };
    let routes = Router::new()
        .route("/stream", get(chunks))
        .layer(open_edge());
    let address = serve(routes).await;
    let parent = TraceParent::generate();
    let request = caller()
        .head(format!("http://{address}/stream"))
        .header("traceparent", parent.header());
    request.send().await.expect("the request must succeed");
    assert_trace(
        &parent,
        "{service: app, kind: server, name: HEAD /stream, status: unset, attributes: {error.type: {present: false}}}",
    )
    .await;
}

/// Calls a traced service that has no axum router and no axum bodies.
async fn call_service(body: &str) -> TraceParent {
    let _ = store();
    let echo = service_fn(|request: Request<String>| async {
        match request.into_body() {
            body if body.is_empty() => Err("no body"),
            body => Ok(Response::new(body)),
        }
    });
    let parent = TraceParent::generate();
    let request = Request::post("/echo").header("traceparent", parent.header());
    let request = request.body(body.to_owned()).unwrap();
    let _ = ServerLayer::internal().layer(echo).oneshot(request).await;
    parent
}

#[tokio::test]
async fn services_with_any_bodies_are_traced() {
    let parent = call_service("hi").await;
    assert_trace(
        &parent,
        "{service: app, kind: server, name: POST, status: unset,
          attributes: {http.response.status_code: 200, http.route: {present: false}}}",
    )
    .await;
}

#[tokio::test]
async fn an_error_of_a_service_is_an_error_of_its_span() {
    let parent = call_service("").await;
    assert_trace(
        &parent,
        "{service: app, kind: server, name: POST, status: error,
          attributes: {error.type: _OTHER, http.response.status_code: {present: false}}}",
    )
    .await;
}
