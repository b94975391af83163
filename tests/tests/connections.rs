//! Connections as other clients use them, to both ports of both services: half-closed, without a
//! valid `Host`, or with another protocol.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tests::local::{Service, SystemConfig};
use tests::traced_system::TracedSystem;
use tests::{prometheus, wait};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const TIMEOUT: Duration = Duration::from_secs(30);

/// Sends a request, closes the sending side, and returns what is received until the end.
async fn half_close(url: &str, request: &str) -> Result<String> {
    let address = url.strip_prefix("http://").context("a URL")?;
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    stream.shutdown().await?;
    let mut response = Vec::new();
    timeout(TIMEOUT, stream.read_to_end(&mut response))
        .await
        .context("the end of the connection")??;
    Ok(String::from_utf8_lossy(&response).into_owned())
}

/// Both ports of a service, with a path that exists on each.
fn ports(service: &Service) -> [(String, &'static str); 2] {
    let public = if service.name() == "gateway" {
        "/hello"
    } else {
        "/greetings/World"
    };
    [(service.url(), public), (service.admin_url(), "/livez")]
}

async fn start() -> Result<TracedSystem> {
    let config = SystemConfig::new().all("HALF_CLOSE_TIMEOUT", "60s");
    TracedSystem::with(config.with_long_timeouts()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_half_closes_receives_its_response_from_both_services() -> Result<()> {
    let traced = start().await?;
    for service in [&traced.system.gateway, &traced.system.hello] {
        for (url, path) in ports(service) {
            for nth in 0..60 {
                let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n");
                let response = half_close(&url, &request).await?;
                ensure!(
                    response.starts_with("HTTP/1.1 200 "),
                    "request {nth} for {path} at {}: {response:?}",
                    service.name()
                );
            }
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_host_and_another_protocol_are_rejected_and_counted_by_both_services()
-> Result<()> {
    let traced = start().await?;
    for service in [&traced.system.gateway, &traced.system.hello] {
        for ((url, path), port) in ports(service).into_iter().zip(["public", "admin"]) {
            for (reason, request) in [
                ("invalid_host", format!("GET {path} HTTP/1.1\r\n\r\n")),
                ("malformed", format!("GET {path} HTTP/1.1\r\nhost\r\n\r\n")),
                ("tls", "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}".to_owned()),
                ("http2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
            ] {
                let response = half_close(&url, &request).await?;
                ensure!(
                    response.is_empty() || response.starts_with("HTTP/1.1 400 "),
                    "{reason} at {}: {response:?}",
                    service.name()
                );
                let expected = format!(
                    "http_rejected_requests_total{{port=\"{port}\",reason=\"{reason}\"}} 1"
                );
                wait::until(&expected, TIMEOUT, async || {
                    let text = prometheus::fetch(&service.admin_url()).await?;
                    ensure!(text.contains(&expected), "{text}");
                    Ok(())
                })
                .await?;
            }
        }
        let log = service.output().text();
        ensure!(
            log.contains("requests were rejected before a handler"),
            "{} must log a summary:\n{log}",
            service.name()
        );
    }
    Ok(())
}
