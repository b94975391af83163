//! What of a caller's context is let in, what goes on, and what comes back.

use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use axum::http::HeaderMap;
use axum::routing::any;
use axum::{Json, Router};
use tests::local::SystemSettings;
use tests::traced::{Traced, trace_of};
use trace_contract::{Expectation, TraceParent};

/// Sends `GET /hello` with these headers and no trace but theirs.
async fn ask(traced: &Traced, headers: &[(&str, &str)]) -> Result<reqwest::Response> {
    let client = reqwest::Client::builder().user_agent("caller/1").build()?;
    let mut request = client.get(traced.system.url("/hello"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Ok(request.send().await?)
}

fn trace_id(response: &reqwest::Response) -> Result<String> {
    let header = response.headers().get("traceresponse");
    let header = header.context("no traceresponse")?.to_str()?;
    Ok(header.split('-').nth(1).context("no trace id")?.to_owned())
}

#[tokio::test]
async fn a_malformed_traceparent_starts_a_new_whole_trace() -> Result<()> {
    let traced = Traced::start().await?;
    let good = TraceParent::generate();
    for bad in [
        String::new(),
        "garbage".to_owned(),
        good.header().to_uppercase(),
        good.header().replace("00-", "ff-"),
        good.header() + "-more",
        format!("00-{}-{}-01", "0".repeat(32), good.span_id()),
    ] {
        let response = ask(&traced, &[("traceparent", &bad), ("tracestate", "=,=")]).await?;
        assert_eq!(
            response.status(),
            200,
            "traceparent {bad:?} must fail no request"
        );
        let id = trace_id(&response)?;
        assert_ne!(id, good.trace_id().to_string(), "traceparent {bad:?}");
        traced
            .hold(id.parse()?, "hello", &Expectation::without_caller())
            .await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_request_without_a_trace_starts_one() -> Result<()> {
    let traced = Traced::start().await?;
    let response = ask(&traced, &[]).await?;
    let id = trace_id(&response)?;
    traced
        .hold(id.parse()?, "hello", &Expectation::without_caller())
        .await?;
    Ok(())
}

#[tokio::test]
async fn an_unsampled_caller_gets_an_answer_and_no_spans() -> Result<()> {
    let traced = Traced::start().await?;
    let request = traced.get("/hello")?.traceparent(TraceParent::unsampled());
    let answer = traced.send(&request, 200).await?;
    let id = request.sent_as().trace_id();
    assert_eq!(
        trace_of(&answer)?,
        id.to_string(),
        "the trace goes on, unsampled"
    );
    // Whatever came of the unsampled request is exported before the next one's spans.
    traced.check(&traced.get("/hello")?, 200, "hello").await?;
    let store = traced.receiver.store();
    assert_eq!(
        store.span_count(),
        8,
        "only the sampled request may make spans"
    );
    for service in [&traced.system.gateway, &traced.system.hello] {
        let spans = service.spans().await?;
        assert!(
            spans.is_exact(),
            "sampled-out spans are counted too: {spans:?}"
        );
        assert!(
            spans.created() > 4,
            "sampled-out spans are counted too: {spans:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn baggage_is_let_in_by_its_key_and_travels_on() -> Result<()> {
    let settings = SystemSettings::new().gateway("EDGE_BAGGAGE", "tenant");
    let traced = Traced::with(settings).await?;
    let request = traced
        .get("/hello")?
        .header("baggage: tenant=blue,secret=s3cret")?;
    traced.check(&request, 200, "baggage").await?;
    Ok(())
}

#[tokio::test]
async fn a_linked_edge_starts_a_trace_of_its_own() -> Result<()> {
    let traced = Traced::with(SystemSettings::new().gateway("EDGE_TRACE", "link")).await?;
    // The caller's decision not to sample is the caller's: ours is to sample.
    let request = traced.get("/hello")?.traceparent(TraceParent::unsampled());
    let expectation = Expectation::starts_anew(request.sent_as());
    traced
        .check_answered(&request, 200, "linked", &expectation)
        .await?;
    Ok(())
}

/// A hello of the test's own, which keeps the headers of the last call.
async fn fake_hello() -> Result<(String, Arc<Mutex<HeaderMap>>)> {
    let seen = Arc::new(Mutex::new(HeaderMap::new()));
    let kept = Arc::clone(&seen);
    let answer = any(move |headers: HeaderMap| async move {
        *kept.lock().expect("no test panics with the lock") = headers;
        Json(serde_json::json!({"message": "Hi"}))
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let router = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok((url, seen))
}

/// The headers that hello gets when the gateway, with these settings, gets `sent`.
async fn passed_on(settings: SystemSettings, sent: &[(&str, &str)]) -> Result<HeaderMap> {
    let (url, seen) = fake_hello().await?;
    let traced = Traced::with(settings.gateway("HELLO_URL", url)).await?;
    let response = ask(&traced, sent).await?;
    assert_eq!(response.status(), 200);
    let seen = seen.lock().expect("no test panics with the lock").clone();
    Ok(seen)
}

#[tokio::test]
async fn what_edges_keep_out_reaches_nobody() -> Result<()> {
    let parent = TraceParent::generate().header();
    let sent = [
        ("traceparent", &*parent),
        ("baggage", "secret=s3cret"),
        ("authorization", "Bearer s3cret"),
        ("cookie", "id=s3cret"),
    ];
    let seen = passed_on(SystemSettings::new(), &sent).await?;
    assert!(
        seen.contains_key("traceparent"),
        "the trace goes on: {seen:?}"
    );
    assert!(
        !format!("{seen:?}").contains("s3cret"),
        "a secret went on: {seen:?}"
    );
    Ok(())
}

#[tokio::test]
async fn context_passes_through_a_disabled_sdk_and_a_silent_log() -> Result<()> {
    let parent = TraceParent::generate();
    let header = parent.header();
    let sent = [
        ("traceparent", &*header),
        ("tracestate", "vendor=1"),
        ("baggage", "tenant=blue"),
    ];
    for (name, value) in [
        ("OTEL_SDK_DISABLED", "true"),
        ("RUST_LOG", "off"),
        ("OTEL_TRACES_SAMPLER", "always_off"),
    ] {
        let settings = SystemSettings::new()
            .gateway("EDGE_BAGGAGE", "tenant")
            .gateway(name, value);
        let seen = passed_on(settings, &sent).await?;
        let passed = seen["traceparent"].to_str()?;
        assert!(
            passed.contains(&parent.trace_id().to_string()),
            "with {name}={value} the trace must go on, but hello got {passed:?}"
        );
        assert_eq!(seen["tracestate"], "vendor=1", "with {name}={value}");
        assert_eq!(seen["baggage"], "tenant=blue", "with {name}={value}");
    }
    Ok(())
}

#[tokio::test]
async fn a_trace_is_whole_whatever_is_logged() -> Result<()> {
    for level in ["off", "error", "trace"] {
        let traced = Traced::with(SystemSettings::new().all("RUST_LOG", level)).await?;
        traced.check(&traced.get("/hello")?, 200, "hello").await?;
    }
    Ok(())
}

#[tokio::test]
async fn every_propagator_carries_a_whole_trace_from_hop_to_hop() -> Result<()> {
    for propagators in ["b3", "b3multi", "jaeger", "jaeger,b3,tracecontext,baggage"] {
        let settings = SystemSettings::new().all("OTEL_PROPAGATORS", propagators);
        let traced = Traced::with(settings).await?;
        let response = ask(&traced, &[]).await?;
        let id = trace_id(&response)?;
        traced
            .hold(id.parse()?, "hello", &Expectation::without_caller())
            .await
            .with_context(|| format!("with OTEL_PROPAGATORS={propagators}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn a_propagator_that_drops_context_is_found_and_named() -> Result<()> {
    let settings = SystemSettings::new().all("OTEL_PROPAGATORS", "none");
    let traced = Traced::with(settings).await?;
    let response = ask(&traced, &[]).await?;
    let id = trace_id(&response)?;
    let contract = tests::traced::load("hello")?;
    let source = traced.receiver.store().into();
    let expectation = Expectation::without_caller();
    let patience = std::time::Duration::from_secs(2);
    let error = trace_contract::verify(&source, id.parse()?, &contract, &expectation, patience)
        .await
        .expect_err("without propagation the trace is not whole");
    let report = error.to_string();
    let first = report.lines().next().unwrap_or_default();
    assert!(
        first.contains("gateway → hello") && first.contains("GET /greetings/{name}"),
        "the report must begin with the missing edge: {report}"
    );
    Ok(())
}
