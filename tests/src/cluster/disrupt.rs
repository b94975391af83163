//! What happens to a system in production: restarts, outages, drained nodes.

use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::{EvictParams, ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::json;

use super::{Namespace, Part, PodState, Release};
use crate::wait;

/// A node's pods may have to end one after the other, each in its grace period.
const PATIENCE: Duration = Duration::from_mins(3);

impl Release {
    /// Restarts a part pod by pod, as `kubectl rollout restart` does; returns when
    /// the new pods serve and the old ones have ended.
    ///
    /// # Errors
    /// When that takes too long.
    pub async fn restart(&self, part: &str) -> Result<()> {
        let of = self.part(part);
        let before = self.namespace.pods_of(of).await?;
        let deployments = self.deployments();
        deployments.restart(&self.object(part)).await?;
        let what = format!("{} new pods of {part}, and no others", before.len());
        wait::until(&what, PATIENCE, async || {
            let pods = self.namespace.pods_of(of).await;
            let pods = pods.map_err(|error| format!("{error:#}"))?;
            let is_new = |pod: &PodState| before.iter().all(|old| old.uid != pod.uid);
            if pods.len() == before.len() && pods.iter().all(|pod| pod.ready && is_new(pod)) {
                return Ok(());
            }
            Err(format!("{pods:?}"))
        })
        .await
    }

    /// Gives a part so many pods; returns when it has them.
    ///
    /// # Errors
    /// When that takes too long.
    pub async fn scale(&self, part: &str, replicas: usize) -> Result<()> {
        self.set_replicas(part, replicas).await?;
        self.namespace
            .wait_for_pods(self.part(part), replicas)
            .await?;
        Ok(())
    }

    /// Stops all pods of a part; returns when each has been told, and may serve on.
    ///
    /// # Errors
    /// When that takes too long.
    pub async fn stop_all(&self, part: &str) -> Result<()> {
        self.set_replicas(part, 0).await?;
        let what = format!("all pods of {part} to be told to end");
        wait::until(&what, PATIENCE, async || {
            let pods = self.namespace.pods_of(self.part(part)).await;
            let pods = pods.map_err(|error| format!("{error:#}"))?;
            if pods.iter().all(|pod| pod.ending) {
                return Ok(());
            }
            Err(format!("{pods:?}"))
        })
        .await
    }

    async fn set_replicas(&self, part: &str, replicas: usize) -> Result<()> {
        let patch = Patch::Merge(json!({"spec": {"replicas": replicas}}));
        let parameters = PatchParams::default();
        let deployments = self.deployments();
        let name = self.object(part);
        let scaled = deployments.patch_scale(&name, &parameters, &patch);
        scaled.await.with_context(|| name.clone())?;
        Ok(())
    }

    fn deployments(&self) -> Api<Deployment> {
        Api::namespaced(self.namespace.cluster.client(), &self.namespace.name)
    }
}

/// A node that takes no new pods, until this is let go of.
pub struct Drained {
    namespace: Namespace,
    node: String,
}

impl Drained {
    /// Drains a node as `kubectl drain` does: it takes no new pods, and all it has
    /// are evicted, as their disruption budgets allow it. Returns when they are gone.
    ///
    /// # Errors
    /// When that takes too long; then the node takes pods again.
    pub async fn drain(namespace: &Namespace, node: &str) -> Result<Self> {
        let drained = Self {
            namespace: namespace.clone(),
            node: node.to_owned(),
        };
        drained.nodes().cordon(node).await?;
        match drained.evict_all().await {
            Ok(()) => Ok(drained),
            Err(error) => {
                drained.uncordon().await?;
                Err(error)
            }
        }
    }

    /// Lets the node take pods again.
    ///
    /// # Errors
    /// When the cluster refuses.
    pub async fn uncordon(self) -> Result<()> {
        self.nodes().uncordon(&self.node).await?;
        Ok(())
    }

    async fn evict_all(&self) -> Result<()> {
        let all: Api<Pod> = Api::all(self.namespace.cluster.client());
        let here = ListParams::default().fields(&format!("spec.nodeName={}", self.node));
        let what = format!("all pods to leave {}", self.node);
        wait::until(&what, PATIENCE, async || {
            let pods = all.list(&here).await.map_err(|error| error.to_string())?;
            let mut left = Vec::new();
            for pod in pods.into_iter().filter(leaves) {
                left.push(pod.name_any());
                if pod.metadata.deletion_timestamp.is_none() {
                    // Refused while the budget is used up; asked again the next time.
                    let _ = self.evict(&pod).await;
                }
            }
            if left.is_empty() {
                Ok(())
            } else {
                Err(left.join(", "))
            }
        })
        .await
    }

    async fn evict(&self, pod: &Pod) -> Result<()> {
        let namespace = pod.namespace().unwrap_or_default();
        let pods: Api<Pod> = Api::namespaced(self.namespace.cluster.client(), &namespace);
        pods.evict(&pod.name_any(), &EvictParams::default()).await?;
        Ok(())
    }

    fn nodes(&self) -> Api<Node> {
        Api::all(self.namespace.cluster.client())
    }
}

/// Whether a drain evicts it: what belongs to the node itself stays.
fn leaves(pod: &Pod) -> bool {
    let owners = pod.owner_references();
    !owners
        .iter()
        .any(|owner| owner.kind == "DaemonSet" || owner.kind == "Node")
}

impl Release {
    /// A node that has pods of each of `with`, and none of `without`.
    ///
    /// # Errors
    /// When there is none.
    pub async fn node_with(&self, with: &[&str], without: &[&str]) -> Result<String> {
        let mut nodes = self.nodes_of(with[0]).await?;
        for part in &with[1..] {
            let others = self.nodes_of(part).await?;
            nodes.retain(|node| others.contains(node));
        }
        for part in without {
            let others = self.nodes_of(part).await?;
            nodes.retain(|node| !others.contains(node));
        }
        let found = nodes.into_iter().next();
        found.with_context(|| format!("no node has pods of {with:?}, and none of {without:?}"))
    }

    async fn nodes_of(&self, part: &str) -> Result<Vec<String>> {
        let of: Part<'_> = self.part(part);
        let pods = self.namespace.ready_pods(of).await?;
        Ok(pods.into_iter().map(|pod| pod.node).collect())
    }
}
