//! A request to any route of the real processes is one trace that satisfies a contract.

use anyhow::Result;
use tests::local::SystemConfig;
use tests::traced_system::TracedSystem;
use trace_contract::{Request, Response};

fn text(response: &Response) -> String {
    String::from_utf8_lossy(&response.body).into_owned()
}

#[tokio::test]
async fn hello_is_one_trace_of_eight_spans() -> Result<()> {
    let traced = TracedSystem::start().await?;
    let request = traced.get("/hello")?;
    let response = traced.check(&request, 200, "hello").await?;
    assert_eq!(text(&response), "Hello, World!");
    Ok(())
}

#[tokio::test]
async fn a_visitor_is_greeted_by_name_in_their_language() -> Result<()> {
    let traced = TracedSystem::start().await?;
    let request = traced.get("/hello/Welt")?;
    let response = traced.check(&request, 200, "hello-name").await?;
    assert_eq!(text(&response), "Hallo, Welt!");
    for (path, greeting) in [
        ("/hello/Monde", "Bonjour, Monde !"),
        ("/hello/Ada%20L.", "Hello, Ada L.!"),
        ("/hello/J%C3%BCrgen", "Hello, Jürgen!"),
    ] {
        let response = traced.send(&traced.get(path)?, 200).await?;
        assert_eq!(text(&response), greeting, "the greeting of {path}");
    }
    Ok(())
}

#[tokio::test]
async fn visitors_are_read_from_a_file_if_one_is_configured() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("visitors.json");
    let ada = r#"[{"name": "ada", "display_name": "Ada Lovelace", "language": "fr"}]"#;
    std::fs::write(&file, ada)?;
    let config = SystemConfig::new().gateway("VISITORS", file.to_string_lossy());
    let traced = TracedSystem::with(config).await?;
    let response = traced.send(&traced.get("/hello/ada")?, 200).await?;
    assert_eq!(text(&response), "Bonjour, Ada Lovelace !");
    Ok(())
}

#[tokio::test]
async fn the_json_response_contains_the_trace_id() -> Result<()> {
    let traced = TracedSystem::start().await?;
    let request = traced.get("/hello")?.header("accept: application/json")?;
    let response = traced.check(&request, 200, "hello").await?;
    let json: serde_json::Value = serde_json::from_slice(&response.body)?;
    assert_eq!(json["message"], "Hello, World!");
    assert_eq!(
        json["trace_id"],
        request.traceparent().trace_id().to_string(),
        "the response must contain the caller's trace id, because the gateway continues that trace"
    );
    Ok(())
}

#[tokio::test]
async fn the_page_is_a_trace_of_the_gateway_only() -> Result<()> {
    let traced = TracedSystem::start().await?;
    let response = traced.check(&traced.get("/")?, 200, "page").await?;
    assert!(
        text(&response).contains("/hello"),
        "the page must show how to call the API"
    );
    Ok(())
}

#[tokio::test]
async fn internal_routes_have_contracts_of_their_own() -> Result<()> {
    let traced = TracedSystem::start().await?;
    let (hello, gateway_admin) = (traced.system.hello.url(), traced.system.gateway.admin_url());
    for (url, contract) in [
        (format!("{hello}/greetings/World"), "greetings"),
        (format!("{gateway_admin}/visitors/World"), "visitors"),
    ] {
        traced.check(&Request::get(&url)?, 200, contract).await?;
    }
    Ok(())
}

#[tokio::test]
async fn internal_routes_are_not_public() -> Result<()> {
    let traced = TracedSystem::start().await?;
    for path in ["/visitors/World", "/metrics", "/readyz", "/faults"] {
        traced.send(&traced.get(path)?, 404).await?;
    }
    Ok(())
}

#[tokio::test]
async fn health_checks_and_metrics_make_no_spans() -> Result<()> {
    let traced = TracedSystem::start().await?;
    for service in [&traced.system.gateway, &traced.system.hello] {
        for path in ["/livez", "/readyz", "/metrics"] {
            let url = format!("{}{path}", service.admin_url());
            traced.send(&Request::get(&url)?, 200).await?;
        }
        let counts = service.spans().await?;
        assert_eq!(
            counts.created(),
            0,
            "requests to the admin port of {} must make no spans",
            service.name()
        );
    }
    Ok(())
}

#[tokio::test]
async fn probes_of_load_balancers_make_no_spans_and_no_log_lines() -> Result<()> {
    let config = SystemConfig::new()
        .gateway("PROBE_PATHS", "/,/status")
        .all("PROBE_USER_AGENTS", "ELB-HealthChecker/");
    let traced = TracedSystem::with(config).await?;
    let elb = "user-agent: ELB-HealthChecker/2.0";
    traced.send(&traced.get("/")?, 200).await?;
    traced.send(&traced.get("/status")?, 404).await?;
    traced.send(&traced.get("/nope")?.header(elb)?, 404).await?;
    let counts = traced.system.gateway.spans().await?;
    assert_eq!(counts.created(), 0, "no span may be made, and none counted");

    let response = traced
        .send(&traced.get("/hello")?.header(elb)?, 200)
        .await?;
    assert_eq!(text(&response), "Hello, World!");
    let direct = Request::get(&(traced.system.hello.url() + "/greetings/World"))?;
    traced.send(&direct.header(elb)?, 200).await?;
    for service in [&traced.system.gateway, &traced.system.hello] {
        let counts = service.spans().await?;
        assert_eq!(
            counts.sampled,
            0,
            "a probe must not be traced in {}",
            service.name()
        );
    }
    let log = traced.system.gateway.log();
    let lines = log.iter().filter(|line| line["target"] == "http");
    let public = lines.filter(|line| line["http.route"] != "/visitors/{name}");
    assert_eq!(public.count(), 0, "a probe must not be logged: {log:#?}");

    traced.check(&traced.get("/hello")?, 200, "hello").await?;
    Ok(())
}
