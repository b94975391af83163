//! What happens every day in production, under steady load: no request fails, and
//! no span is lost, by the services' own books and by what Jaeger has.

use anyhow::{Result, ensure};
use serde_json::json;
use tests::cluster::{Namespace, Release, on_stage};

/// The most memory that a service's pod may have under load.
const MEMORY_BAR: u64 = 20 * 1024 * 1024;

async fn install(namespace: &Namespace) -> Result<Release> {
    namespace.install_for_load("onetrace", &json!({})).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_of_the_gateway_loses_nothing() -> Result<()> {
    on_stage("gateway", async |namespace| {
        let release = install(namespace).await?;
        let shown = release.under_load(async || release.restart("gateway").await);
        let pods = shown.await?.account.pods;
        ensure!(
            pods.len() == 6,
            "two of hello and four of the gateway: {pods:?}"
        );
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_of_hello_loses_nothing() -> Result<()> {
    on_stage("hello", async |namespace| {
        let release = install(namespace).await?;
        let shown = release.under_load(async || release.restart("hello").await);
        let pods = shown.await?.account.pods;
        ensure!(
            pods.len() == 6,
            "four of hello and two of the gateway: {pods:?}"
        );
        Ok(())
    })
    .await
}

/// As by `kubectl rollout restart deployment` of the whole release.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_of_both_at_once_loses_nothing() -> Result<()> {
    on_stage("both", async |namespace| {
        let release = install(namespace).await?;
        let both = async || {
            tokio::try_join!(release.restart("gateway"), release.restart("hello"))?;
            Ok(())
        };
        let pods = release.under_load(both).await?.account.pods;
        ensure!(
            pods.len() == 8,
            "four of hello and of the gateway: {pods:?}"
        );
        Ok(())
    })
    .await
}

/// No pod of hello is left, and those that were told to end a moment before the
/// gateway's serve on: what the gateway accepts last is answered, by all eight spans.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_stopped_for_good_answer_what_they_have_accepted() -> Result<()> {
    on_stage("stop", async |namespace| {
        // A Service with no pod but ending ones goes to those of them that are ready.
        // That they are not any more must not be noticed before the gateway is gone.
        let probes = json!({"readiness": {"periodSeconds": 10, "failureThreshold": 2}});
        let values = json!({"serviceDefaults": {"probes": probes}});
        let release = namespace.install_for_load("onetrace", &values).await?;
        let stop = async || {
            release.stop_all("hello").await?;
            release.stop_all("gateway").await
        };
        let pods = release.load_to_the_end(stop).await?.account.pods;
        ensure!(pods.len() == 4, "two of hello and of the gateway: {pods:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_of_the_collector_loses_nothing() -> Result<()> {
    on_stage("collector", async |namespace| {
        let release = install(namespace).await?;
        release
            .under_load(async || release.restart("collector").await)
            .await?;
        Ok(())
    })
    .await
}

/// The Collector holds what comes meanwhile, and what Jaeger had is on its volume.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_of_jaeger_loses_nothing() -> Result<()> {
    on_stage("jaeger", async |namespace| {
        let release = install(namespace).await?;
        let outage = async || {
            release.scale("jaeger", 0).await?;
            memory(&release).await?;
            release.scale("jaeger", 1).await
        };
        release.under_load(outage).await?;
        Ok(())
    })
    .await
}

/// The pods of the services, while they serve and Jaeger is away.
async fn memory(release: &Release) -> Result<()> {
    for service in ["gateway", "hello"] {
        for pod in release.namespace.ready_pods(release.part(service)).await? {
            let bytes = release.memory(&pod).await?;
            println!("{}: {} KiB", pod.name, bytes / 1024);
            ensure!(
                bytes <= MEMORY_BAR,
                "{} must have at most {MEMORY_BAR} bytes under load, and has {bytes}",
                pod.name
            );
        }
    }
    Ok(())
}
