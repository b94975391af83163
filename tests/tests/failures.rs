//! Every way in which a request fails has its trace, and a contract for it.

use std::time::Duration;

use anyhow::Result;
use tests::local::SystemSettings;
use tests::ports;
use tests::traced::Traced;

#[tokio::test]
async fn an_unknown_route_is_a_404_and_fails_no_span() -> Result<()> {
    let traced = Traced::start().await?;
    let request = traced.get("/no/such/route")?;
    traced.check(&request, 404, "unknown-route").await?;
    Ok(())
}

#[tokio::test]
async fn a_method_that_a_route_does_not_take_is_a_405() -> Result<()> {
    let traced = Traced::start().await?;
    let request = traced.get("/hello")?.method("POST")?;
    traced.check(&request, 405, "wrong-method").await?;
    Ok(())
}

#[tokio::test]
async fn a_bad_name_is_the_callers_error() -> Result<()> {
    let traced = Traced::start().await?;
    let request = traced.get(&format!("/hello/{}", "x".repeat(65)))?;
    let answer = traced.check(&request, 400, "bad-name").await?;
    let text = String::from_utf8_lossy(&answer.body);
    assert!(
        text.contains("64 characters"),
        "the remedy must be named: {text}"
    );
    Ok(())
}

#[tokio::test]
async fn hello_down_is_a_502_with_each_attempt_in_the_trace() -> Result<()> {
    let [nobody] = ports::free::<1>()?;
    let settings = SystemSettings::new().gateway("HELLO_URL", format!("http://127.0.0.1:{nobody}"));
    let traced = Traced::with(settings).await?;
    let answer = traced
        .check(&traced.get("/hello")?, 502, "hello-down")
        .await?;
    let text = String::from_utf8_lossy(&answer.body);
    assert!(
        !text.contains(&nobody.to_string()),
        "the cause must not be sent out: {text}"
    );
    Ok(())
}

#[tokio::test]
async fn hello_slow_is_a_504_and_hello_sees_its_caller_go() -> Result<()> {
    let settings = SystemSettings::new()
        .gateway("HELLO_TIMEOUT", "300ms")
        .hello("FAULTS", "true");
    let traced = Traced::with(settings).await?;
    traced.set_faults(r#"{"delay": "30s"}"#).await?;
    let request = traced.get("/hello")?.timeout(Duration::from_secs(10));
    traced.check(&request, 504, "hello-slow").await?;
    Ok(())
}

#[tokio::test]
async fn a_503_is_retried_and_the_trace_shows_both_attempts() -> Result<()> {
    let traced = Traced::with(SystemSettings::new().hello("FAULTS", "true")).await?;
    traced
        .set_faults(r#"{"error_rate": 1, "times": 1}"#)
        .await?;
    let answer = traced
        .check(&traced.get("/hello")?, 200, "hello-retried")
        .await?;
    assert_eq!(answer.body, b"Hello, World!");
    Ok(())
}

#[tokio::test]
async fn hello_failing_for_good_is_a_503() -> Result<()> {
    let traced = Traced::with(SystemSettings::new().hello("FAULTS", "true")).await?;
    traced.set_faults(r#"{"error_rate": 1}"#).await?;
    traced
        .check(&traced.get("/hello")?, 503, "hello-failing")
        .await?;
    Ok(())
}

#[tokio::test]
async fn the_fault_switch_is_off_unless_it_is_turned_on() -> Result<()> {
    let traced = Traced::start().await?;
    let refused = traced.set_faults(r#"{"error_rate": 1}"#).await;
    let error = refused.expect_err("without FAULTS=true there is no switch");
    assert!(error.to_string().contains("404"), "{error}");
    traced.check(&traced.get("/hello")?, 200, "hello").await?;
    Ok(())
}

#[tokio::test]
async fn a_failure_is_logged_with_its_trace() -> Result<()> {
    let [nobody] = ports::free::<1>()?;
    let settings = SystemSettings::new().gateway("HELLO_URL", format!("http://127.0.0.1:{nobody}"));
    let traced = Traced::with(settings).await?;
    let request = traced.get("/hello")?;
    traced.check(&request, 502, "hello-down").await?;
    let id = request.sent_as().trace_id().to_string();
    let log = traced.system.gateway.log();
    let of_this_trace = |line: &&serde_json::Value| line["trace_id"] == id.as_str();
    let cause = log.iter().filter(of_this_trace).find(|line| {
        line["error"]
            .as_str()
            .is_some_and(|e| e.contains("connection"))
    });
    assert!(
        cause.is_some(),
        "the cause must be logged with trace {id}: {log:#?}"
    );
    Ok(())
}
