//! Every route, answered by real processes, is one trace that satisfies its contract.

use anyhow::Result;
use tests::local::SystemSettings;
use tests::traced::Traced;
use trace_contract::Request;

fn text(answer: &trace_contract::Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

#[tokio::test]
async fn hello_is_one_trace_of_eight_spans() -> Result<()> {
    let traced = Traced::start().await?;
    let answer = traced.check(&traced.get("/hello")?, 200, "hello").await?;
    assert_eq!(text(&answer), "Hello, World!");
    Ok(())
}

#[tokio::test]
async fn a_visitor_is_greeted_by_name_and_in_their_language() -> Result<()> {
    let traced = Traced::start().await?;
    let request = traced.get("/hello/Welt")?;
    let answer = traced.check(&request, 200, "hello-name").await?;
    assert_eq!(text(&answer), "Hallo, Welt!");
    for (path, greeting) in [
        ("/hello/Monde", "Bonjour, Monde !"),
        ("/hello/Ada%20L.", "Hello, Ada L.!"),
        ("/hello/J%C3%BCrgen", "Hello, Jürgen!"),
    ] {
        let answer = traced.send(&traced.get(path)?, 200).await?;
        assert_eq!(text(&answer), greeting, "of {path}");
    }
    Ok(())
}

#[tokio::test]
async fn visitors_come_from_a_file_where_one_is_given() -> Result<()> {
    let file = std::env::temp_dir().join(format!("visitors-{}.json", std::process::id()));
    let ada = r#"[{"name": "ada", "display_name": "Ada Lovelace", "language": "fr"}]"#;
    std::fs::write(&file, ada)?;
    let settings = SystemSettings::new().gateway("VISITORS", file.to_string_lossy());
    let traced = Traced::with(settings).await?;
    let answer = traced.send(&traced.get("/hello/ada")?, 200).await?;
    assert_eq!(text(&answer), "Bonjour, Ada Lovelace !");
    std::fs::remove_file(&file)?;
    Ok(())
}

#[tokio::test]
async fn json_names_the_trace() -> Result<()> {
    let traced = Traced::start().await?;
    let request = traced.get("/hello")?.header("accept: application/json")?;
    let answer = traced.check(&request, 200, "hello").await?;
    let json: serde_json::Value = serde_json::from_slice(&answer.body)?;
    assert_eq!(json["message"], "Hello, World!");
    assert_eq!(
        json["trace_id"],
        request.sent_as().trace_id().to_string(),
        "the answer must name the caller's trace, which it continues"
    );
    Ok(())
}

#[tokio::test]
async fn the_page_is_one_span() -> Result<()> {
    let traced = Traced::start().await?;
    let answer = traced.check(&traced.get("/")?, 200, "page").await?;
    assert!(
        text(&answer).contains("/hello"),
        "the page must say how to call"
    );
    Ok(())
}

#[tokio::test]
async fn the_internal_routes_have_contracts_of_their_own() -> Result<()> {
    let traced = Traced::start().await?;
    let greeting = format!("{}/greetings/World", traced.system.hello.url());
    traced
        .check(&Request::get(&greeting)?, 200, "greetings")
        .await?;
    let visitor = format!("{}/visitors/World", traced.system.gateway.admin_url());
    traced
        .check(&Request::get(&visitor)?, 200, "visitors")
        .await?;
    Ok(())
}

#[tokio::test]
async fn internal_routes_are_not_public() -> Result<()> {
    let traced = Traced::start().await?;
    for path in ["/visitors/World", "/metrics", "/readyz", "/faults"] {
        traced.send(&traced.get(path)?, 404).await?;
    }
    Ok(())
}

#[tokio::test]
async fn health_checks_and_metrics_make_no_spans() -> Result<()> {
    let traced = Traced::start().await?;
    for service in [&traced.system.gateway, &traced.system.hello] {
        for path in ["/livez", "/readyz", "/metrics"] {
            let url = format!("{}{path}", service.admin_url());
            traced.send(&Request::get(&url)?, 200).await?;
        }
        let spans = service.spans().await?;
        assert_eq!(
            spans.created(),
            0,
            "a health check made a span at {}",
            service.url()
        );
    }
    Ok(())
}
