//! A node is drained under steady load. This test is in a file of its own because it also
//! evicts the pods of other tests.

use anyhow::{Result, ensure};
use serde_json::json;
use tests::cluster::with_namespace;

/// Drains the worker that does not have Jaeger, whose volume is a directory of its node.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn draining_a_node_loses_nothing() -> Result<()> {
    with_namespace("drain", async |namespace| {
        let release = namespace.install_for_load("onetrace", &json!({})).await?;
        let node = release.node_without_jaeger().await?;
        let drain = async || namespace.cluster.drain(&node).await;
        let pods = release.run_without_loss(drain).await?.accounting.pods;
        ensure!(
            pods.len() >= 6,
            "at least one pod of each service must have been replaced: {pods:?}"
        );
        let jaeger = release.ready_pods("jaeger").await?;
        ensure!(
            jaeger.iter().all(|pod| pod.node != node),
            "Jaeger must not have moved: {jaeger:?}"
        );
        Ok(())
    })
    .await
}
