//! Everyday disruptions under steady load. No request may fail, and no span may be lost,
//! according to both the services' own counts and the traces in Jaeger.

use anyhow::{Result, ensure};
use serde_json::json;
use tests::cluster::{Namespace, Release, with_namespace};

/// The most memory that a service's pod may use under load.
const MAX_MEMORY_BYTES: u64 = 20 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_of_the_gateway_loses_nothing() -> Result<()> {
    with_namespace("gateway", async |namespace| {
        let release = install(namespace).await?;
        let restart = async || release.restart("gateway").await;
        let pods = release.run_without_loss(restart).await?.accounting.pods;
        ensure!(
            pods.len() == 6,
            "there must have been two pods of hello and four of the gateway: {pods:?}"
        );
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_of_hello_loses_nothing() -> Result<()> {
    with_namespace("hello", async |namespace| {
        let release = install(namespace).await?;
        let restart = async || release.restart("hello").await;
        let pods = release.run_without_loss(restart).await?.accounting.pods;
        ensure!(
            pods.len() == 6,
            "there must have been four pods of hello and two of the gateway: {pods:?}"
        );
        Ok(())
    })
    .await
}

/// Like `kubectl rollout restart deployment` for all Deployments of the release.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_concurrent_restart_of_both_services_loses_nothing() -> Result<()> {
    with_namespace("both", async |namespace| {
        let release = install(namespace).await?;
        let restart = async || {
            tokio::try_join!(release.restart("gateway"), release.restart("hello"))?;
            Ok(())
        };
        let pods = release.run_without_loss(restart).await?.accounting.pods;
        ensure!(
            pods.len() == 8,
            "there must have been four pods of each service: {pods:?}"
        );
        Ok(())
    })
    .await
}

/// The pods of hello receive SIGTERM a moment before those of the gateway, and no new pod
/// replaces them. They continue to serve until the gateway has completed its last request,
/// so that each of these requests has all eight spans.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_services_complete_accepted_requests_when_scaled_to_zero() -> Result<()> {
    with_namespace("stop", async |namespace| {
        // When all pods of a Service are terminating, it sends connections to those that are
        // still ready. The gateway must be gone before the kubelet notices that they are not.
        let probes = json!({"readiness": {"periodSeconds": 10, "failureThreshold": 2}});
        let values = json!({"serviceDefaults": {"probes": probes}});
        let release = namespace.install_for_load("onetrace", &values).await?;
        let stop = async || {
            release.start_termination("hello").await?;
            release.start_termination("gateway").await
        };
        let pods = release.run_until_stopped(stop).await?.accounting.pods;
        ensure!(
            pods.len() == 4,
            "there must have been two pods of each service: {pods:?}"
        );
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_of_the_collector_loses_nothing() -> Result<()> {
    with_namespace("collector", async |namespace| {
        let release = install(namespace).await?;
        let restart = async || release.restart("collector").await;
        release.run_without_loss(restart).await?;
        Ok(())
    })
    .await
}

/// The Collector queues spans during the outage. Traces that Jaeger had stored before are on
/// its volume.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_of_jaeger_loses_nothing() -> Result<()> {
    with_namespace("jaeger", async |namespace| {
        let release = install(namespace).await?;
        let outage = async || {
            release.scale("jaeger", 0).await?;
            ensure_memory_is_bounded(&release).await?;
            release.scale("jaeger", 1).await
        };
        release.run_without_loss(outage).await?;
        Ok(())
    })
    .await
}

async fn install(namespace: &Namespace) -> Result<Release> {
    namespace.install_for_load("onetrace", &json!({})).await
}

async fn ensure_memory_is_bounded(release: &Release) -> Result<()> {
    for service in ["gateway", "hello"] {
        for pod in release.ready_pods(service).await? {
            let bytes = release.memory(&pod).await?;
            println!("{}: {} KiB", pod.name, bytes / 1024);
            ensure!(
                bytes <= MAX_MEMORY_BYTES,
                "{} must use at most {MAX_MEMORY_BYTES} bytes under load, not {bytes}",
                pod.name
            );
        }
    }
    Ok(())
}
