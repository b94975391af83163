//! A node is drained under steady load. Apart from the other tests, since it takes
//! away pods of all of them.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tests::cluster::{Drained, on_stage};

/// All pods of one of the two workers are evicted: not Jaeger's, whose volume is a
/// directory of its node.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drained_node_loses_nothing() -> Result<()> {
    on_stage("drain", async |namespace| {
        let release = namespace.install_for_load("onetrace", &json!({})).await?;
        let node = release
            .node_with(&["gateway", "hello"], &["jaeger"])
            .await?;
        let drain = async || Drained::drain(namespace, &node).await?.uncordon().await;
        let shown = release.under_load(drain).await?;
        let pods = shown.account.pods.len();
        ensure!(
            pods >= 6,
            "one pod of each service must be new: {pods} pods"
        );
        let left = release.namespace.pods_of(release.part("jaeger")).await?;
        let jaeger = left.first().context("Jaeger has no pod")?;
        ensure!(jaeger.node != node, "Jaeger must have stayed where it was");
        Ok(())
    })
    .await
}
