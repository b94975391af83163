//! The kind cluster for the tests.

use std::path::{Path, PathBuf};

use ::tests::cluster_variables::LABEL;
use ::tests::workspace;
use anyhow::{Context, Result, ensure};
use serde_norway::Value;
use tokio::process::Command;

use crate::console;
use crate::program::{self, command};

/// The cluster's name.
pub(super) const NAME: &str = "onetrace";
const CONFIGURATION: &str = "k8s/kind.yaml";
const API_TIMEOUT: &str = "10s";
const READY_TIMEOUT: &str = "120s";

/// The cluster, which may not exist yet.
pub(super) struct Cluster {
    /// A separate file, so that the user's current context does not change.
    kubeconfig: PathBuf,
}

impl Cluster {
    pub(super) fn new() -> Self {
        Self {
            kubeconfig: workspace().join("target/e2e/kubeconfig"),
        }
    }

    pub(super) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Creates the cluster unless it exists and works. Removes what earlier tests have left.
    pub(super) async fn prepare(&self) -> Result<()> {
        if let Some(directory) = self.kubeconfig.parent() {
            std::fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
        }
        if self.is_usable().await? {
            console::progress(format!("using the existing cluster {NAME}"));
        } else {
            self.create().await?;
        }
        self.delete_namespaces().await?;
        // A test that was killed may have left a cordoned node.
        self.kubectl(&["uncordon", "--selector=kubernetes.io/os=linux"])
            .await?;
        let timeout = format!("--timeout={READY_TIMEOUT}");
        self.kubectl(&["wait", "node", "--all", "--for=condition=Ready", &timeout])
            .await?;
        Ok(())
    }

    /// Deletes the cluster if it exists.
    pub(super) async fn delete(&self) -> Result<()> {
        console::progress(format!("deleting the cluster {NAME}"));
        self.kind(&["delete", "cluster"]).await.map(drop)
    }

    /// Starts to delete the namespaces of tests.
    pub(super) async fn delete_namespaces(&self) -> Result<()> {
        let selector = format!("--selector={LABEL}");
        self.kubectl(&["delete", "namespace", &selector, "--wait=false"])
            .await?;
        Ok(())
    }

    /// Deletes a cluster that exists but does not work, such as one whose containers did not
    /// start again after a restart of Docker.
    async fn is_usable(&self) -> Result<bool> {
        let clusters = program::output(command("kind", ["get", "clusters"])).await?;
        if !clusters.lines().any(|name| name == NAME) {
            return Ok(false);
        }
        if let Err(error) = self.ensure_usable().await {
            console::progress(format!("the cluster {NAME} does not work: {error:#}"));
            self.delete().await?;
            return Ok(false);
        }
        Ok(true)
    }

    async fn ensure_usable(&self) -> Result<()> {
        self.kind(&["export", "kubeconfig"]).await?;
        self.get(&["--raw", "/readyz"]).await?;
        let nodes = ["nodes", "--output=jsonpath={.items[*].metadata.name}"];
        for node in self.get(&nodes).await?.split_whitespace() {
            let path = format!("/api/v1/nodes/{node}/proxy/stats/summary");
            let summary = self.get(&["--raw", &path]).await?;
            ensure_is_of_node(&summary, node)?;
        }
        Ok(())
    }

    async fn create(&self) -> Result<()> {
        console::progress(format!(
            "creating the cluster {NAME}, which takes about a minute"
        ));
        let options = ["--config", CONFIGURATION, "--wait", READY_TIMEOUT];
        self.kind(&[&["create", "cluster"], &options[..]].concat())
            .await?;
        Ok(())
    }

    async fn get(&self, arguments: &[&str]) -> Result<String> {
        let timeout = format!("--request-timeout={API_TIMEOUT}");
        self.kubectl(&[&["get", &timeout], arguments].concat())
            .await
    }

    async fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        self.output(command("kubectl", arguments)).await
    }

    async fn kind(&self, arguments: &[&str]) -> Result<String> {
        let arguments = [arguments, &["--name", NAME]].concat();
        self.output(command("kind", arguments)).await
    }

    async fn output(&self, mut command: Command) -> Result<String> {
        command.env("KUBECONFIG", &self.kubeconfig);
        program::output(command).await
    }
}

/// Docker may have swapped the addresses of two nodes when it was restarted. Then the API
/// server requests logs and port-forwards from the wrong kubelet.
fn ensure_is_of_node(summary: &str, node: &str) -> Result<()> {
    let summary: Value = serde_norway::from_str(summary)?;
    let actual = summary["node"]["nodeName"].as_str();
    ensure!(
        actual == Some(node),
        "the kubelet of {actual:?} responds for {node}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_of_another_node_is_an_error() {
        let summary = r#"{"node": {"nodeName": "onetrace-worker2"}, "pods": []}"#;
        assert!(ensure_is_of_node(summary, "onetrace-worker2").is_ok());
        assert!(ensure_is_of_node(summary, "onetrace-worker").is_err());
        assert!(ensure_is_of_node("not JSON: [", "onetrace-worker").is_err());
        assert!(ensure_is_of_node("{}", "onetrace-worker").is_err());
    }
}
