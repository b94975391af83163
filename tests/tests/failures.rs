//! Every kind of failed request has a trace that satisfies a contract.

use std::time::Duration;

use anyhow::Result;
use tests::local::SystemConfig;
use tests::ports;
use tests::traced_system::TracedSystem;

/// A system whose hello accepts `POST /faults`.
async fn with_faults(config: SystemConfig, faults: &str) -> Result<TracedSystem> {
    let traced = TracedSystem::with(config.hello("FAULTS", "true")).await?;
    traced.system.hello.set_faults(faults).await?;
    Ok(traced)
}

/// A system whose gateway calls a port on which no process listens; and that port.
async fn with_hello_down() -> Result<(TracedSystem, u16)> {
    let [port] = ports::free()?;
    let config = SystemConfig::new().gateway("HELLO_URL", format!("http://127.0.0.1:{port}"));
    Ok((TracedSystem::with(config).await?, port))
}

#[tokio::test]
async fn an_unknown_route_returns_404_and_no_span_is_an_error() -> Result<()> {
    let traced = TracedSystem::start().await?;
    let request = traced.get("/no/such/route")?;
    traced.check(&request, 404, "unknown-route").await?;
    Ok(())
}

#[tokio::test]
async fn a_method_that_a_route_does_not_support_returns_405() -> Result<()> {
    let traced = TracedSystem::start().await?;
    let request = traced.get("/hello")?.method("POST")?;
    traced.check(&request, 405, "wrong-method").await?;
    Ok(())
}

#[tokio::test]
async fn an_invalid_name_is_the_callers_error() -> Result<()> {
    let traced = TracedSystem::start().await?;
    let request = traced.get(&format!("/hello/{}", "x".repeat(65)))?;
    let response = traced.check(&request, 400, "bad-name").await?;
    let text = String::from_utf8_lossy(&response.body);
    assert!(
        text.contains("64 characters"),
        "the response must contain the limit, so that the caller can correct the name: {text}"
    );
    Ok(())
}

#[tokio::test]
async fn with_hello_down_the_gateway_returns_502_and_each_attempt_has_a_span() -> Result<()> {
    let (traced, port) = with_hello_down().await?;
    let request = traced.get("/hello")?;
    let response = traced.check(&request, 502, "hello-down").await?;
    let text = String::from_utf8_lossy(&response.body);
    assert!(
        !text.contains(&port.to_string()),
        "the response must not contain the cause, which is internal: {text}"
    );
    Ok(())
}

#[tokio::test]
async fn with_a_slow_hello_the_gateway_returns_504_and_hello_sees_the_disconnect() -> Result<()> {
    let config = SystemConfig::new().gateway("HELLO_TIMEOUT", "300ms");
    let traced = with_faults(config, r#"{"delay": "30s"}"#).await?;
    let request = traced.get("/hello")?.timeout(Duration::from_secs(10));
    traced.check(&request, 504, "hello-slow").await?;
    Ok(())
}

#[tokio::test]
async fn a_503_is_retried_and_both_attempts_have_spans() -> Result<()> {
    let once = r#"{"error_rate": 1, "times": 1}"#;
    let traced = with_faults(SystemConfig::new(), once).await?;
    let request = traced.get("/hello")?;
    let response = traced.check(&request, 200, "hello-retried").await?;
    assert_eq!(response.body, b"Hello, World!");
    Ok(())
}

#[tokio::test]
async fn if_every_attempt_fails_with_503_the_gateway_returns_503() -> Result<()> {
    let traced = with_faults(SystemConfig::new(), r#"{"error_rate": 1}"#).await?;
    let request = traced.get("/hello")?;
    traced.check(&request, 503, "hello-failing").await?;
    Ok(())
}

#[tokio::test]
async fn fault_injection_is_off_by_default() -> Result<()> {
    let traced = TracedSystem::start().await?;
    let error = traced.system.hello.set_faults(r#"{"error_rate": 1}"#).await;
    let error = error.expect_err("without FAULTS=true, hello must not accept faults");
    assert!(error.to_string().contains("404"), "{error}");
    traced.check(&traced.get("/hello")?, 200, "hello").await?;
    Ok(())
}

#[tokio::test]
async fn the_cause_of_a_failure_is_logged_with_the_trace_id() -> Result<()> {
    let (traced, _) = with_hello_down().await?;
    let request = traced.get("/hello")?;
    traced.check(&request, 502, "hello-down").await?;
    let id = request.traceparent().trace_id().to_string();
    let log = traced.system.gateway.log();
    let has_cause = log.iter().any(|line| {
        let error = line["error"].as_str().unwrap_or_default();
        line["trace_id"] == id.as_str() && error.contains("connection")
    });
    assert!(
        has_cause,
        "the gateway must log the connection error with trace id {id}: {log:#?}"
    );
    Ok(())
}
