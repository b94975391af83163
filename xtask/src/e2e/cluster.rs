//! The kind cluster of the tests.

use std::path::{Path, PathBuf};

use ::tests::cluster_variables::LABEL;
use ::tests::workspace;
use anyhow::{Context, Result};
use serde_norway::Value;
use tokio::process::Command;

use crate::console;
use crate::program::{self, call};

/// The cluster's name.
pub(super) const NAME: &str = "onetrace";
const CONFIGURATION: &str = "k8s/kind.yaml";
/// How long its API may take to answer, and its nodes to be ready.
const ANSWERS_WITHIN: &str = "10s";
const READY_WITHIN: &str = "120s";

/// The cluster, whether it is there or not.
pub(super) struct Cluster {
    /// Of its own, so that nobody's current context changes.
    kubeconfig: PathBuf,
}

impl Cluster {
    pub(super) fn new() -> Self {
        Self {
            kubeconfig: workspace().join("target/e2e/kubeconfig"),
        }
    }

    /// The file by which its API is reached.
    pub(super) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Makes it, unless it is there and answers; makes it as tests expect it.
    pub(super) async fn prepare(&self) -> Result<()> {
        if let Some(directory) = self.kubeconfig.parent() {
            std::fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
        }
        if self.is_usable().await? {
            console::progress(format!("using the cluster {NAME}, which is there"));
        } else {
            self.create().await?;
        }
        self.delete_namespaces().await?;
        // A test that was killed may have left a node that takes no pods.
        self.kubectl(&["uncordon", "--selector", "kubernetes.io/os=linux"])
            .await?;
        let ready = ["wait", "node", "--all", "--for", "condition=Ready"];
        self.kubectl(&[&ready[..], &["--timeout", READY_WITHIN]].concat())
            .await
    }

    /// Deletes it, where it is there.
    pub(super) async fn delete(&self) -> Result<()> {
        console::progress(format!("deleting the cluster {NAME}"));
        let mut kind = call("kind", ["delete", "cluster", "--name", NAME]);
        kind.arg("--kubeconfig").arg(&self.kubeconfig);
        program::output(kind).await.map(drop)
    }

    /// Deletes the namespaces of tests; they go by and by.
    pub(super) async fn delete_namespaces(&self) -> Result<()> {
        let delete = ["delete", "namespace", "--selector", LABEL];
        self.kubectl(&[&delete[..], &["--wait=false"]].concat())
            .await
    }

    /// After a restart of Docker, containers of a cluster may be there that are none.
    async fn is_usable(&self) -> Result<bool> {
        let clusters = program::output(call("kind", ["get", "clusters"])).await?;
        if !clusters.lines().any(|name| name == NAME) {
            return Ok(false);
        }
        let mut export = call("kind", ["export", "kubeconfig", "--name", NAME]);
        export.arg("--kubeconfig").arg(&self.kubeconfig);
        let readyz = [
            "get",
            "--raw",
            "/readyz",
            "--request-timeout",
            ANSWERS_WITHIN,
        ];
        let answers =
            program::succeeds(export).await && program::succeeds(self.call(&readyz)).await;
        let usable = answers && self.reaches_each_node().await?;
        if !usable {
            console::progress(format!(
                "the cluster {NAME} is there and does not answer as it must"
            ));
            self.delete().await?;
        }
        Ok(usable)
    }

    /// Docker may have given the nodes each other's addresses: then the API asks one
    /// node for the logs and ports of another's pods.
    async fn reaches_each_node(&self) -> Result<bool> {
        let names = [
            "get",
            "nodes",
            "--output",
            "jsonpath={.items[*].metadata.name}",
        ];
        let names = program::output(self.call(&names)).await?;
        for name in names.split_whitespace() {
            let path = format!("/api/v1/nodes/{name}/proxy/stats/summary");
            let summary = ["get", "--raw", &path, "--request-timeout", ANSWERS_WITHIN];
            let summary = program::output(self.call(&summary)).await;
            if !summary.is_ok_and(|summary| is_of_node(&summary, name)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn create(&self) -> Result<()> {
        console::progress(format!("making the cluster {NAME}, which takes a minute"));
        let mut kind = call("kind", ["create", "cluster", "--name", NAME]);
        kind.args(["--config", CONFIGURATION, "--wait", READY_WITHIN])
            .arg("--kubeconfig")
            .arg(&self.kubeconfig);
        program::output(kind).await.map(drop)
    }

    async fn kubectl(&self, arguments: &[&str]) -> Result<()> {
        program::output(self.call(arguments)).await.map(drop)
    }

    fn call(&self, arguments: &[&str]) -> Command {
        let mut kubectl = call("kubectl", arguments);
        kubectl.env("KUBECONFIG", &self.kubeconfig);
        kubectl
    }
}

/// Whether a kubelet's summary is of the node of this name.
fn is_of_node(summary: &str, name: &str) -> bool {
    let summary: Option<Value> = serde_norway::from_str(summary).ok();
    summary.is_some_and(|summary| summary["node"]["nodeName"].as_str() == Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_another_answers_for_is_not_reached() {
        let summary = r#"{"node": {"nodeName": "onetrace-worker2"}, "pods": []}"#;
        assert!(is_of_node(summary, "onetrace-worker2"));
        assert!(!is_of_node(summary, "onetrace-worker"));
        assert!(!is_of_node("no JSON: [", "onetrace-worker"));
        assert!(!is_of_node("{}", "onetrace-worker"));
    }
}
