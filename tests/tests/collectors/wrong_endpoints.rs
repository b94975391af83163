//! An endpoint where another kind of server listens.

use anyhow::Result;
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::Html;
use axum::routing::any;
use tests::assertions::shut_down;
use tests::load::{Load, Until};
use tests::local::{System, SystemConfig};

use crate::exporting::TIMEOUT;

const HINT: &str = "this does not look like an OTLP receiver";

async fn start(routes: Router) -> Result<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(url)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_an_otlp_receiver_is_reported_and_its_spans_are_dropped() -> Result<()>
{
    const REQUESTS: u64 = 20;
    let health = r#"{"status":"Server available","upSince":"2026-11-28T12:00:00Z"}"#;
    let json = move || async move { ([(CONTENT_TYPE, "application/json")], health) };
    let page = || async { Html("<!doctype html><title>Jaeger UI</title>") };
    for (server, routes) in [
        ("health port", Router::new().fallback(any(json))),
        ("web page", Router::new().fallback(any(page))),
    ] {
        let mut system = System::start(SystemConfig::new().export_to(start(routes).await?)).await?;
        let load = Load::get(&system.url("/hello"))?;
        let report = load.until(Until::Requests(REQUESTS)).run().await;
        assert_eq!(report.succeeded(), REQUESTS, "{server}: {report}");
        system.wait_until_exported(TIMEOUT).await?;
        for service in system.all() {
            let counts = service.spans().await?;
            assert_eq!(
                (counts.exported, counts.dropped.get("not_otlp")),
                (0, Some(&counts.created())),
                "{server}: /metrics must count all spans as dropped: {counts}"
            );
        }
        for counts in shut_down(&mut system).await? {
            assert_eq!(counts.lost(), counts.created(), "{server}: {counts}");
        }
        for service in system.all() {
            let log = service.output().lines();
            let hints = log.iter().filter(|line| line.contains(HINT)).count();
            assert_eq!(
                hints,
                1,
                "{server}: the hint is logged once:\n{}",
                log.join("\n")
            );
        }
    }
    Ok(())
}
