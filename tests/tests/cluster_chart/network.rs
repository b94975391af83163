//! The network policies of an installation.

use anyhow::Result;
use serde_json::json;
use tests::cluster::{Destination, with_namespace};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn network_policies_deny_connections_that_are_not_declared() -> Result<()> {
    with_namespace("network", async |namespace| {
        let release = namespace.install("onetrace", &json!({})).await?;
        release.warm_up().await?;
        let from_other = [
            allowed("gateway", 8080),
            denied("gateway-admin", 8081),
            denied("hello", 8090),
            denied("hello-admin", 8091),
            denied("collector", 4318),
            denied("jaeger", 16686),
        ];
        let from_gateway = [
            allowed("hello", 8090),
            allowed("collector", 4318),
            denied("hello-admin", 8091),
            denied("jaeger", 16686),
        ];
        let from_hello = [
            allowed("gateway-admin", 8081),
            denied("gateway", 8080),
            denied("jaeger", 4318),
        ];
        tokio::try_join!(
            release.ensure_network_policies(None, &from_other),
            release.ensure_network_policies(Some("gateway"), &from_gateway),
            release.ensure_network_policies(Some("hello"), &from_hello),
        )?;
        Ok(())
    })
    .await
}

fn allowed(service: &str, port: u16) -> Destination<'_> {
    Destination {
        service,
        port,
        allowed: true,
    }
}

fn denied(service: &str, port: u16) -> Destination<'_> {
    Destination {
        service,
        port,
        allowed: false,
    }
}
