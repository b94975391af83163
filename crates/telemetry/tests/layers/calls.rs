//! CLIENT spans, one per attempt, and the context that each attempt sends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{any, get};
use reqwest_middleware::ClientWithMiddleware;
use telemetry::http::{CallError, ClientConfig, Peer, Route, ServerLayer};
use tokio::net::TcpListener;
use trace_contract::TraceParent;

use crate::fixture::{self, assert_trace, caller, serve};

fn client() -> ClientWithMiddleware {
    telemetry::http::client(&ClientConfig {
        timeout: Duration::from_millis(300),
        retries: 2,
        backoff: Duration::from_millis(1),
        ..ClientConfig::default()
    })
    .expect("a client can be made")
}

/// Starts a server that calls `url` for each request, and sends it one request.
async fn call(method: reqwest::Method, url: String) -> (TraceParent, Option<CallError>) {
    let client = client();
    let outcome = Arc::new(std::sync::Mutex::new(None));
    let kept = Arc::clone(&outcome);
    let front = Router::new()
        .route(
            "/",
            get(move || async move {
                let call = client
                    .request(method, url)
                    .with_extension(Route("/things/{id}"));
                *kept.lock().unwrap() = call.send().await.map_err(CallError::from).err();
            }),
        )
        .layer(ServerLayer::internal());
    let address = serve(front).await;
    let parent = TraceParent::generate();
    fixture::get(&format!("http://{address}/"), &parent).await;
    let outcome = outcome.lock().unwrap().take();
    (parent, outcome)
}

/// A server that responds to `failures` requests with 503, and then with 200.
async fn flaky(failures: usize) -> std::net::SocketAddr {
    async fn respond(State(left): State<Arc<AtomicUsize>>) -> StatusCode {
        let failing = left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            })
            .is_ok();
        if failing {
            StatusCode::SERVICE_UNAVAILABLE
        } else {
            StatusCode::OK
        }
    }
    let left = Arc::new(AtomicUsize::new(failures));
    serve(Router::new().fallback(any(respond)).with_state(left)).await
}

#[tokio::test]
async fn a_peer_is_called_at_its_base_url() {
    async fn seen(request: Request) -> String {
        let hosts = request.headers().get_all("host").iter();
        let hosts: Vec<_> = hosts.map(|host| host.to_str().unwrap()).collect();
        format!(
            "{} {} at {}",
            request.method(),
            request.uri(),
            hosts.join(" and ")
        )
    }
    let address = serve(Router::new().fallback(any(seen))).await;
    let base = format!("http://{address}/below").parse().unwrap();
    let peer = Peer::new(base, &ClientConfig::default()).unwrap();
    let (route, path) = (Route("/things/{id}"), ["things", "a b"]);
    let got = peer.get(route, &path).await.unwrap();
    let expected = format!("/below/things/a%20b at {address}");
    assert_eq!(got.text().await.unwrap(), format!("GET {expected}"));
    let posted = peer.send(route, peer.request(reqwest::Method::POST, &path));
    let posted = posted.await.unwrap();
    assert_eq!(posted.text().await.unwrap(), format!("POST {expected}"));
}

#[tokio::test]
async fn a_call_is_a_span_without_secrets() {
    let address = flaky(0).await;
    let url = format!("http://user:s3cret@{address}/things/7?token=s3cret#s3cret");
    let (parent, _) = call(reqwest::Method::GET, url).await;
    let port = address.port();
    let trace = assert_trace(
        &parent,
        &format!(
            "
service: app
kind: server
name: GET /
children:
  - service: app
    kind: client
    name: GET /things/{{id}}
    status: unset
    attributes:
      http.request.method: GET
      http.response.status_code: 200
      http.request.resend_count: {{present: false}}
      server.address: 127.0.0.1
      server.port: {port}
      url.full: http://127.0.0.1:{port}/things/7?token=REDACTED
      url.template: /things/{{id}}
      network.protocol.version: '1.1'
      error.type: {{present: false}}
"
        ),
    )
    .await;
    assert!(!format!("{trace:?}").contains("s3cret"), "{trace:?}");
}

#[tokio::test]
async fn each_attempt_has_its_span_and_the_callers_span_has_an_event_per_retry() {
    let address = flaky(2).await;
    let (parent, outcome) = call(reqwest::Method::GET, format!("http://{address}/things/7")).await;
    assert_eq!(outcome, None, "the third attempt must succeed");
    assert_trace(
        &parent,
        "
service: app
kind: server
name: GET /
status: unset
events:
  - {name: retry, attributes: {http.request.resend_count: 1, error.type: '503'}}
  - {name: retry, attributes: {http.request.resend_count: 2, error.type: '503'}}
children:
  - service: app
    kind: client
    name: GET /things/{id}
    status: error
    attributes: {http.response.status_code: 503, error.type: '503', http.request.resend_count: {present: false}}
  - service: app
    kind: client
    name: GET /things/{id}
    status: error
    attributes: {http.response.status_code: 503, error.type: '503', http.request.resend_count: 1}
  - service: app
    kind: client
    name: GET /things/{id}
    status: unset
    attributes: {http.response.status_code: 200, http.request.resend_count: 2}
",
    )
    .await;
}

#[tokio::test]
async fn a_method_that_is_not_idempotent_is_sent_once() {
    let address = flaky(1).await;
    let (parent, _) = call(reqwest::Method::POST, format!("http://{address}/things/7")).await;
    assert_trace(
        &parent,
        "
service: app
kind: server
name: GET /
children:
  - {service: app, kind: client, name: 'POST /things/{id}', status: error, attributes: {http.response.status_code: 503}}
",
    )
    .await;
}

#[tokio::test]
async fn a_4xx_is_an_error_of_the_client_span() {
    let address = serve(Router::new()).await;
    let (parent, _) = call(reqwest::Method::GET, format!("http://{address}/things/7")).await;
    assert_trace(
        &parent,
        "
service: app
kind: server
name: GET /
status: unset
children:
  - {service: app, kind: client, name: 'GET /things/{id}', status: error, attributes: {http.response.status_code: 404, error.type: '404'}}
",
    )
    .await;
}

#[tokio::test]
async fn a_connection_that_cannot_be_made_is_retried() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it has an address");
    drop(listener);
    let url = format!("http://{address}/things/7?token=s3cret");
    let (parent, outcome) = call(reqwest::Method::GET, url).await;
    let error = outcome.expect("no server listens");
    assert!(matches!(error, CallError::Connect(_)), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("s3cret"));
    assert_trace(
        &parent,
        "
service: app
kind: server
name: GET /
children:
  - service: app
    kind: client
    name: GET /things/{id}
    status: error
    attributes: {error.type: connect, http.response.status_code: {present: false}}
    repeat: 3
",
    )
    .await;
}

#[tokio::test]
async fn a_slow_response_is_a_timeout_and_not_retried() {
    let slow = Router::new().fallback(any(std::future::pending::<()>));
    let address = serve(slow).await;
    let (parent, outcome) = call(reqwest::Method::GET, format!("http://{address}/things/7")).await;
    assert_eq!(outcome, Some(CallError::Timeout));
    assert_trace(
        &parent,
        "
service: app
kind: server
name: GET /
children:
  - {service: app, kind: client, name: 'GET /things/{id}', status: error, attributes: {error.type: timeout}}
",
    )
    .await;
}

#[tokio::test]
async fn the_context_of_an_unsampled_caller_is_passed_on_without_spans() {
    let seen = Arc::new(std::sync::Mutex::new(HeaderMap::new()));
    let kept = Arc::clone(&seen);
    let back = Router::new().fallback(any(move |headers: HeaderMap| async move {
        *kept.lock().unwrap() = headers;
    }));
    let back = serve(back).await;
    let client = client();
    let front = Router::new()
        .route(
            "/",
            get(move || async move {
                client
                    .get(format!("http://{back}/"))
                    .send()
                    .await
                    .expect("it must respond");
            }),
        )
        .layer(ServerLayer::internal());
    let front = serve(front).await;
    let parent = TraceParent::unsampled();
    let trace = parent.trace_id().to_string();
    caller()
        .get(format!("http://{front}/"))
        // `random` (02) belongs to the trace id and must be passed on with it.
        .header("traceparent", format!("00-{trace}-{}-02", parent.span_id()))
        .header("tracestate", "vendor=1")
        .header("baggage", "tenant=blue;a=1")
        .send()
        .await
        .expect("the request must succeed");
    let seen = seen.lock().unwrap().clone();
    let sent = seen["traceparent"].to_str().unwrap();
    assert!(
        sent.starts_with(&format!("00-{trace}-")) && sent.ends_with("-02"),
        "the trace must be continued unsampled, but {sent:?} was sent"
    );
    assert_eq!(seen["tracestate"], "vendor=1");
    assert_eq!(seen["baggage"], "tenant=blue;a=1");
    // A sampled request after it: when its trace has arrived, the other would have arrived too.
    let (after, _) = call(reqwest::Method::GET, format!("http://{back}/")).await;
    assert_trace(
        &after,
        "{service: app, kind: server, name: GET /, children: [{service: app, kind: client, name: 'GET /things/{id}'}]}",
    )
    .await;
    assert!(
        crate::fixture::store().trace(parent.trace_id()).is_none(),
        "a span of an unsampled trace was exported"
    );
}
