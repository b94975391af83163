//! Requests that arrive through proxies, over IPv6, or from the health checks of load
//! balancers.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::get;
use telemetry::http::{ClientConfig, Probes, Route, ServerLayer};
use telemetry::{Edge, EndpointError, EndpointLayer};
use tokio::net::TcpListener;
use tower::{Layer, ServiceExt, service_fn};
use trace_contract::TraceParent;

use crate::fixture::{self, assert_trace, caller, serve, serve_on, store};

fn client() -> reqwest_middleware::ClientWithMiddleware {
    telemetry::http::client(&ClientConfig::default()).expect("a client can be made")
}

#[tokio::test]
async fn forwarded_headers_are_recorded_as_far_as_proxies_are_trusted() {
    let proxied: &[(&str, &str)] = &[
        ("x-forwarded-for", "203.0.113.9:4711, [2001:db8::1]:443"),
        ("x-forwarded-proto", "https,http"),
        ("x-forwarded-host", "shop.example"),
    ];
    let original = "url.scheme: https, server.address: shop.example, server.port: 443";
    let hostile: &[(&str, &str)] = &[
        ("x-forwarded-for", "s3cret"),
        ("x-forwarded-proto", "s3cret"),
        ("x-forwarded-host", "<s3cret>"),
        (
            "forwarded",
            "for=s3cret;proto=s3cret;host=\"s3cret:s3cret\"",
        ),
    ];
    let direct = "client.address: 127.0.0.1, url.scheme: http, server.address: 127.0.0.1";
    for (trusted, headers, expected) in [
        (0, proxied, direct.to_owned()),
        (
            1,
            proxied,
            format!("client.address: '2001:db8::1', {original}"),
        ),
        (
            2,
            proxied,
            format!("client.address: 203.0.113.9, {original}"),
        ),
        (1, hostile, direct.to_owned()),
        (9, hostile, direct.to_owned()),
    ] {
        let layer = ServerLayer::public(Edge::default()).trusted_proxies(trusted);
        let routes = Router::new().route("/x", get(|| async { "ok" }));
        let address = serve(routes.layer(layer)).await;
        let parent = TraceParent::generate();
        let mut request = caller()
            .get(format!("http://{address}/x"))
            .header("traceparent", parent.header());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.expect("the request must succeed");
        let contract =
            format!("{{service: app, kind: server, name: GET /x, attributes: {{{expected}}}}}");
        let trace = assert_trace(&parent, &contract).await;
        assert!(!format!("{trace:?}").contains("s3cret"), "{trace:?}");
    }
}

#[tokio::test]
async fn ipv6_addresses_are_recorded_without_brackets_and_ipv4_clients_as_ipv4() {
    let Ok(listener) = TcpListener::bind("[::]:0").await else {
        eprintln!("skipped: this machine has no IPv6");
        return;
    };
    let port = listener.local_addr().expect("it has an address").port();
    let back = Router::new().route("/things/{id}", get(|| async { "ok" }));
    let client = client();
    let front = Router::new().route(
        "/x",
        get(move || async move {
            let call = client.get(format!("http://[::1]:{port}/things/7"));
            let call = call.with_extension(Route("/things/{id}"));
            call.send().await.expect("the call must succeed");
        }),
    );
    let routes = front
        .merge(back)
        .layer(ServerLayer::public(Edge::default()));
    serve_on(listener, routes);
    for (host, address) in [("[::1]", "'::1'"), ("127.0.0.1", "127.0.0.1")] {
        let parent = TraceParent::generate();
        fixture::get(&format!("http://{host}:{port}/x"), &parent).await;
        assert_trace(
            &parent,
            &format!(
                "
service: app
kind: server
name: GET /x
attributes: {{client.address: {address}, server.address: {address}, server.port: {port}}}
children:
  - service: app
    kind: client
    name: GET /things/{{id}}
    attributes: {{server.address: '::1', server.port: {port}, url.full: 'http://[::1]:{port}/things/7'}}
    children:
      - service: app
        kind: server
        name: GET /things/{{id}}
        attributes: {{client.address: '::1', server.address: '::1', server.port: {port}}}
"
            ),
        )
        .await;
    }
}

#[derive(Debug, thiserror::Error)]
#[error("never")]
struct Never;

impl EndpointError for Never {
    fn error_type(&self) -> std::borrow::Cow<'static, str> {
        "never".into()
    }
}

/// A service that calls another one for each request. Returns its address, and the
/// headers that the other one receives.
async fn service_with_probes() -> (SocketAddr, Arc<Mutex<HeaderMap>>) {
    let received = Arc::new(Mutex::new(HeaderMap::new()));
    let kept = Arc::clone(&received);
    let back = Router::new().fallback(get(move |headers: HeaderMap| async move {
        *kept.lock().unwrap() = headers;
    }));
    let back = serve(back).await;
    let client = client();
    let endpoint = service_fn(move |()| {
        let client = client.clone();
        async move {
            let call = client.get(format!("http://{back}/")).send().await;
            call.map(|_| "ok").map_err(|_| Never)
        }
    });
    let endpoint = EndpointLayer::new("work").layer(endpoint);
    let handler = get(move || async move { endpoint.oneshot(()).await.expect("it succeeds") });
    let probes = Probes::new(vec!["/up".to_owned()], vec!["kube-probe/".to_owned()]);
    let routes = Router::new()
        .route("/up", handler.clone())
        .route("/work", handler)
        .layer(ServerLayer::public(Edge::default()).probes(probes));
    (serve(routes).await, received)
}

#[tokio::test]
async fn a_probe_gets_its_response_and_makes_no_span_in_any_service() {
    let (address, received) = service_with_probes().await;
    let mut probes = Vec::new();
    for (path, agent) in [("/up", "curl/8"), ("/work", "Kube-Probe/1.34")] {
        let parent = TraceParent::generate();
        let response = caller()
            .get(format!("http://{address}{path}"))
            .header("user-agent", agent)
            .header("traceparent", parent.header())
            .send()
            .await
            .expect("the request must succeed");
        assert!(!response.headers().contains_key("traceresponse"));
        assert_eq!(response.text().await.expect("a body"), "ok", "{path}");
        let sent = received.lock().unwrap()["traceparent"].clone();
        let sent = sent.to_str().unwrap().to_owned();
        assert!(
            sent.contains(&parent.trace_id().to_string()) && sent.ends_with(['0', '2']),
            "the caller's trace must be passed on unsampled, not as {sent}"
        );
        probes.push(parent.trace_id());
    }
    // Without a trace of its caller, too.
    let probe = caller().get(format!("http://{address}/up"));
    probe.send().await.expect("the request must succeed");
    let sent = received.lock().unwrap()["traceparent"].clone();
    let sent = sent.to_str().unwrap();
    assert!(
        sent.ends_with("-02"),
        "the other service must not start a trace of its own, but it received {sent}"
    );

    let parent = TraceParent::generate();
    fixture::get(&format!("http://{address}/work"), &parent).await;
    assert_trace(
        &parent,
        "{service: app, kind: server, name: GET /work, children: [{service: app, kind: internal, name: work, children: [{service: app, kind: client, name: GET}]}]}",
    )
    .await;
    for probe in probes {
        assert!(
            store().trace(probe).is_none(),
            "a span of a probe was exported"
        );
    }
}
