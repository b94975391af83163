//! Which parts of a caller's trace context the gateway accepts and passes on, and what it
//! returns.

use std::time::Duration;

use anyhow::{Context, Result};
use axum::http::HeaderMap;
use tests::contracts;
use tests::fake_hello::FakeHello;
use tests::local::SystemConfig;
use tests::traced_system::TracedSystem;
use trace_contract::{Expectation, TraceParent, verify};

/// Sends `GET /hello` with only these headers: no `traceparent` is added.
async fn get_hello(traced: &TracedSystem, headers: &[(&str, &str)]) -> Result<reqwest::Response> {
    let client = trace_contract::http_client::builder()
        .user_agent("caller/1")
        .no_proxy()
        .build()?;
    let mut request = client.get(traced.system.url("/hello"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Ok(request.send().await?)
}

/// Checks that the response's trace has no caller and satisfies the contract `hello`.
async fn ensure_new_trace(traced: &TracedSystem, response: &reqwest::Response) -> Result<()> {
    let id = contracts::trace_id(response.headers())?;
    let expectation = Expectation::without_caller();
    traced.ensure_trace(id, "hello", &expectation).await?;
    Ok(())
}

#[tokio::test]
async fn a_malformed_traceparent_starts_a_new_complete_trace() -> Result<()> {
    let traced = TracedSystem::start().await?;
    let good = TraceParent::generate();
    for bad in [
        String::new(),
        "garbage".to_owned(),
        good.header().to_uppercase(),
        good.header().replace("00-", "ff-"),
        good.header() + "-more",
        format!("00-{}-{}-01", "0".repeat(32), good.span_id()),
    ] {
        let headers = [("traceparent", &*bad), ("tracestate", "=,=")];
        let response = get_hello(&traced, &headers).await?;
        assert_eq!(
            response.status(),
            200,
            "the traceparent {bad:?} must not fail the request"
        );
        assert_ne!(
            contracts::trace_id(response.headers())?,
            good.trace_id(),
            "the traceparent {bad:?} must be ignored"
        );
        ensure_new_trace(&traced, &response).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_request_without_a_traceparent_starts_a_trace() -> Result<()> {
    let traced = TracedSystem::start().await?;
    let response = get_hello(&traced, &[]).await?;
    ensure_new_trace(&traced, &response).await
}

#[tokio::test]
async fn an_unsampled_caller_gets_a_response_and_no_spans() -> Result<()> {
    let traced = TracedSystem::start().await?;
    let request = traced
        .get("/hello")?
        .with_traceparent(TraceParent::unsampled());
    let response = traced.send(&request, 200).await?;
    assert_eq!(
        contracts::trace_id(&response.headers)?,
        request.traceparent().trace_id(),
        "the gateway must continue the unsampled trace"
    );
    // Spans of the unsampled request would be exported before those of this one.
    traced.check(&traced.get("/hello")?, 200, "hello").await?;
    assert_eq!(
        traced.receiver.store().span_count(),
        8,
        "only the sampled request may make spans"
    );
    for service in [&traced.system.gateway, &traced.system.hello] {
        let counts = service.spans().await?;
        assert!(
            counts.adds_up() && counts.created() > 4,
            "{} must count the spans of the unsampled request: {counts}",
            service.name()
        );
    }
    Ok(())
}

#[tokio::test]
async fn baggage_is_accepted_by_its_key_and_passed_on() -> Result<()> {
    let config = SystemConfig::new().gateway("EDGE_BAGGAGE", "tenant");
    let traced = TracedSystem::with(config).await?;
    let request = traced
        .get("/hello")?
        .header("baggage: tenant=blue,secret=s3cret")?;
    traced.check(&request, 200, "baggage").await?;
    Ok(())
}

#[tokio::test]
async fn with_edge_trace_link_the_gateway_starts_a_linked_trace() -> Result<()> {
    let traced = TracedSystem::with(SystemConfig::new().gateway("EDGE_TRACE", "link")).await?;
    // The new trace is sampled although the caller's is not.
    let request = traced
        .get("/hello")?
        .with_traceparent(TraceParent::unsampled());
    let expectation = Expectation::starts_new_trace(request.traceparent());
    let response = traced.send(&request, 200).await?;
    let id = contracts::trace_id(&response.headers)?;
    traced.ensure_trace(id, "linked", &expectation).await?;
    Ok(())
}

/// The headers that hello receives when a gateway with this configuration receives `headers`.
async fn passed_on(config: SystemConfig, headers: &[(&str, &str)]) -> Result<HeaderMap> {
    let hello = FakeHello::start().await?;
    let traced = TracedSystem::with(config.gateway("HELLO_URL", &hello.url)).await?;
    let response = get_hello(&traced, headers).await?;
    assert_eq!(response.status(), 200, "the request must succeed");
    Ok(hello.received())
}

#[tokio::test]
async fn headers_that_the_edge_does_not_accept_are_not_passed_on() -> Result<()> {
    let parent = TraceParent::generate().header();
    let headers = [
        ("traceparent", &*parent),
        ("baggage", "secret=s3cret"),
        ("authorization", "Bearer s3cret"),
        ("cookie", "id=s3cret"),
    ];
    let received = passed_on(SystemConfig::new(), &headers).await?;
    assert!(
        received.contains_key("traceparent"),
        "hello must receive the trace context: {received:?}"
    );
    assert!(
        !format!("{received:?}").contains("s3cret"),
        "hello must not receive a secret: {received:?}"
    );
    Ok(())
}

#[tokio::test]
async fn context_passes_through_a_gateway_that_records_and_logs_nothing() -> Result<()> {
    let parent = TraceParent::generate();
    let header = parent.header();
    let headers = [
        ("traceparent", &*header),
        ("tracestate", "vendor=1"),
        ("baggage", "tenant=blue"),
    ];
    for (name, value) in [
        ("OTEL_SDK_DISABLED", "true"),
        ("RUST_LOG", "off"),
        ("OTEL_TRACES_SAMPLER", "always_off"),
    ] {
        let config = SystemConfig::new()
            .gateway("EDGE_BAGGAGE", "tenant")
            .gateway(name, value);
        let received = passed_on(config, &headers).await?;
        let traceparent = received["traceparent"].to_str()?;
        assert!(
            traceparent.contains(&parent.trace_id().to_string()),
            "with {name}={value}, hello must receive the caller's trace id, but received {traceparent:?}"
        );
        assert_eq!(received["tracestate"], "vendor=1", "with {name}={value}");
        assert_eq!(received["baggage"], "tenant=blue", "with {name}={value}");
    }
    Ok(())
}

#[tokio::test]
async fn a_trace_is_complete_at_every_log_level() -> Result<()> {
    for level in ["off", "error", "trace"] {
        let traced = TracedSystem::with(SystemConfig::new().all("RUST_LOG", level)).await?;
        let request = traced.get("/hello")?;
        let checked = traced.check(&request, 200, "hello").await;
        checked.with_context(|| format!("with RUST_LOG={level}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn every_propagator_carries_a_complete_trace() -> Result<()> {
    for propagators in ["b3", "b3multi", "jaeger", "jaeger,b3,tracecontext,baggage"] {
        let config = SystemConfig::new().all("OTEL_PROPAGATORS", propagators);
        let traced = TracedSystem::with(config).await?;
        let response = get_hello(&traced, &[]).await?;
        let checked = ensure_new_trace(&traced, &response).await;
        checked.with_context(|| format!("with OTEL_PROPAGATORS={propagators}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn a_propagator_that_drops_context_is_reported_with_the_broken_call() -> Result<()> {
    let config = SystemConfig::new().all("OTEL_PROPAGATORS", "none");
    let traced = TracedSystem::with(config).await?;
    let response = get_hello(&traced, &[]).await?;
    let id = contracts::trace_id(response.headers())?;
    let contract = contracts::load("hello")?;
    let source = traced.receiver.store().into();
    let expectation = Expectation::without_caller().settle(contracts::SETTLE);
    let timeout = Duration::from_secs(2);
    let error = verify(&source, id, &contract, &expectation, timeout)
        .await
        .expect_err("without propagation the trace must be incomplete");
    let report = error.to_string();
    let first = report.lines().next().unwrap_or_default();
    assert!(
        first.contains("gateway → hello") && first.contains("GET /greetings/{name}"),
        "the report must begin with the missing call from gateway to hello: {report}"
    );
    Ok(())
}
