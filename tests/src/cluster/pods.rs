//! The pods of a namespace, and the part of their state that tests use.

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::{Api, ResourceExt};

use super::namespace::Namespace;

/// The state of a pod at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodState {
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: String,
    /// The name of its node.
    pub node: String,
    /// It is ready, and it is not terminating.
    pub ready: bool,
    /// It has been deleted and has not ended yet.
    pub terminating: bool,
    /// The image of its first container.
    pub image: String,
    /// How often its containers have been restarted.
    pub restarts: i32,
}

impl Namespace {
    /// The API of the namespace's pods.
    pub(super) fn pod_api(&self) -> Api<Pod> {
        Api::namespaced(self.cluster.client(), &self.name)
    }

    /// The pods that `selection` selects, including those that are terminating.
    pub(super) async fn pods(&self, selection: &ListParams) -> Result<Vec<PodState>> {
        let pods = self.pod_api().list(selection).await;
        let pods = pods.with_context(|| format!("listing pods with {selection:?}"))?;
        Ok(pods.iter().map(PodState::from).collect())
    }

    /// The ready pods that `selection` selects. Having none is an error.
    pub(super) async fn ready_pods(&self, selection: &ListParams) -> Result<Vec<PodState>> {
        let mut pods = self.pods(selection).await?;
        pods.retain(|pod| pod.ready);
        ensure!(!pods.is_empty(), "no pod is ready with {selection:?}");
        Ok(pods)
    }
}

impl From<&Pod> for PodState {
    fn from(pod: &Pod) -> Self {
        let spec = pod.spec.as_ref();
        let node = spec.and_then(|spec| spec.node_name.clone());
        let image = spec.and_then(|spec| spec.containers.first()?.image.clone());
        let status = pod.status.as_ref();
        let conditions = status.and_then(|status| status.conditions.as_ref());
        let ready = conditions.is_some_and(|conditions| {
            let mut conditions = conditions.iter();
            conditions.any(|condition| condition.type_ == "Ready" && condition.status == "True")
        });
        let containers = status.and_then(|status| status.container_statuses.as_ref());
        let restarts = containers.map(|all| all.iter().map(|it| it.restart_count).sum());
        let terminating = pod.metadata.deletion_timestamp.is_some();
        Self {
            name: pod.name_any(),
            uid: pod.uid().unwrap_or_default(),
            node: node.unwrap_or_default(),
            ready: ready && !terminating,
            terminating,
            image: image.unwrap_or_default(),
            restarts: restarts.unwrap_or(0),
        }
    }
}
