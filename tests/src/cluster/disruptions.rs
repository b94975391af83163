//! Disruptions of a running system: restarts, outages, drained nodes.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::connection::Cluster;
use super::pods::PodState;
use super::release::Release;
use crate::wait;

/// Pods may have to end one after the other, each within its grace period.
const TIMEOUT: Duration = Duration::from_mins(3);

impl Release {
    /// Restarts the pods of a component like `kubectl rollout restart`. Returns when the new
    /// pods are ready and the old ones have ended.
    ///
    /// # Errors
    /// If that takes longer than three minutes.
    pub async fn restart(&self, component: &str) -> Result<()> {
        let old = self.pods(component).await?;
        let deployments = self.deployments();
        deployments.restart(&self.object_name(component)).await?;
        let is_new = |pod: &PodState| old.iter().all(|old| old.uid != pod.uid);
        let what = format!("{} ready pods of {component}, all new", old.len());
        self.wait_for_pods(component, &what, |pods| {
            pods.len() == old.len() && pods.iter().all(|pod| pod.ready && is_new(pod))
        })
        .await?;
        Ok(())
    }

    /// Scales a component. Returns when it has exactly `replicas` pods, all ready.
    ///
    /// # Errors
    /// If that takes longer than three minutes.
    pub async fn scale(&self, component: &str, replicas: usize) -> Result<()> {
        self.set_replicas(component, replicas).await?;
        let what = format!("exactly {replicas} pods of {component}, all ready");
        self.wait_for_pods(component, &what, |pods| {
            pods.len() == replicas && pods.iter().all(|pod| pod.ready)
        })
        .await?;
        Ok(())
    }

    /// Scales a component to zero. Returns when all its pods are terminating; they may
    /// still serve requests.
    ///
    /// # Errors
    /// If that takes longer than three minutes.
    pub async fn start_termination(&self, component: &str) -> Result<()> {
        self.set_replicas(component, 0).await?;
        let what = format!("all pods of {component} to be terminating");
        self.wait_for_pods(component, &what, |pods| {
            pods.iter().all(|pod| pod.terminating)
        })
        .await?;
        Ok(())
    }

    /// Waits until the pods of a component satisfy `condition`, and returns them.
    pub(super) async fn wait_for_pods(
        &self,
        component: &str,
        what: &str,
        condition: impl Fn(&[PodState]) -> bool,
    ) -> Result<Vec<PodState>> {
        wait::until(what, TIMEOUT, async || {
            let pods = self.pods(component).await?;
            ensure!(condition(&pods), "{pods:?}");
            Ok(pods)
        })
        .await
    }

    /// The name of a node with pods of both services and without Jaeger's pod.
    ///
    /// # Errors
    /// If there is no such node.
    pub async fn node_without_jaeger(&self) -> Result<String> {
        let [gateway, hello, jaeger] = ["gateway", "hello", "jaeger"].map(|it| self.ready_pods(it));
        let (gateway, hello, jaeger) = tokio::try_join!(gateway, hello, jaeger)?;
        let has = |pods: &[PodState], node: &str| pods.iter().any(|pod| pod.node == node);
        let mut nodes = gateway.iter().map(|pod| &pod.node);
        let node = nodes.find(|node| has(&hello, node) && !has(&jaeger, node));
        let node = node.with_context(|| format!("no such node: {gateway:?} {hello:?} {jaeger:?}"));
        Ok(node?.clone())
    }

    async fn set_replicas(&self, component: &str, replicas: usize) -> Result<()> {
        let name = self.object_name(component);
        let patch = Patch::Merge(json!({"spec": {"replicas": replicas}}));
        self.deployments()
            .patch_scale(&name, &PatchParams::default(), &patch)
            .await
            .with_context(|| format!("scaling {name}"))?;
        Ok(())
    }

    fn deployments(&self) -> Api<Deployment> {
        Api::namespaced(self.namespace.cluster.client(), &self.namespace.name)
    }
}

impl Cluster {
    /// Evicts all pods of a node, as their disruption budgets allow, and waits until they
    /// have ended. The node accepts pods again afterwards.
    ///
    /// # Errors
    /// If that takes longer than three minutes.
    pub async fn drain(&self, node: &str) -> Result<()> {
        let options = ["--ignore-daemonsets", "--delete-emptydir-data", "--force"];
        let drain = [&["drain", node, "--timeout=180s"], &options[..]].concat();
        let drained = self.run("kubectl", &drain, "").await;
        let uncordoned = self.run("kubectl", &["uncordon", node], "").await;
        drained?.into_text()?;
        uncordoned?.into_text().map(drop)
    }
}
