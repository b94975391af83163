//! The pods of a part of the system, and what is known of them.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::{Api, ResourceExt};

use super::Namespace;
use crate::wait;

/// How long pods may take to come or go.
const PATIENCE: Duration = Duration::from_mins(2);

/// A part of a release: gateway, hello, collector, sampler, jaeger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// The release.
    pub release: &'a str,
    /// The part's name.
    pub name: &'a str,
}

/// A pod at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodState {
    /// Its name.
    pub name: String,
    /// What no other pod ever has.
    pub uid: String,
    /// Where it runs.
    pub node: String,
    /// It serves, and has not been told to end.
    pub ready: bool,
    /// It has been told to end.
    pub ending: bool,
    /// What its container was made from, as its deployment says it.
    pub image: String,
    /// How often its container was started again.
    pub restarts: i32,
}

impl Part<'_> {
    fn selector(&self) -> String {
        format!(
            "app.kubernetes.io/name={},app.kubernetes.io/instance={}",
            self.name, self.release
        )
    }
}

impl Namespace {
    /// The pods' API.
    pub fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.cluster.client(), &self.name)
    }

    /// The pods of a part, also those that are ending.
    ///
    /// # Errors
    /// When the cluster does not say.
    pub async fn pods_of(&self, part: Part<'_>) -> Result<Vec<PodState>> {
        let parameters = ListParams::default().labels(&part.selector());
        let pods = self.pods().list(&parameters).await;
        let pods = pods.with_context(|| format!("the pods of {}", part.name))?;
        Ok(pods.iter().map(PodState::of).collect())
    }

    /// The pods of a part that serve.
    ///
    /// # Errors
    /// When there is none.
    pub async fn ready_pods(&self, part: Part<'_>) -> Result<Vec<PodState>> {
        let mut pods = self.pods_of(part).await?;
        pods.retain(|pod| pod.ready);
        if pods.is_empty() {
            bail!("no pod of {} is ready", part.name);
        }
        Ok(pods)
    }

    /// Waits until a part has so many pods, all ready, and none that is ending.
    ///
    /// # Errors
    /// When it takes too long; with the pods that were last seen.
    pub async fn wait_for_pods(&self, part: Part<'_>, count: usize) -> Result<Vec<PodState>> {
        let what = format!("{} to have {count} ready pods and no others", part.name);
        wait::until(&what, PATIENCE, async || {
            let pods = self
                .pods_of(part)
                .await
                .map_err(|error| format!("{error:#}"))?;
            if pods.len() == count && pods.iter().all(|pod| pod.ready) {
                return Ok(pods);
            }
            Err(format!("{pods:?}"))
        })
        .await
    }
}

impl PodState {
    fn of(pod: &Pod) -> Self {
        let status = pod.status.as_ref();
        let conditions = status.and_then(|status| status.conditions.as_ref());
        let is_ready = conditions.is_some_and(|conditions| {
            let mut ready = conditions.iter().filter(|it| it.type_ == "Ready");
            ready.any(|it| it.status == "True")
        });
        let containers = status.and_then(|status| status.container_statuses.as_ref());
        let restarts = containers.map(|all| all.iter().map(|it| it.restart_count).sum());
        let ending = pod.metadata.deletion_timestamp.is_some();
        let spec = pod.spec.as_ref();
        let node = spec.and_then(|spec| spec.node_name.clone());
        let image = spec.and_then(|spec| spec.containers.first()?.image.clone());
        Self {
            name: pod.name_any(),
            uid: pod.uid().unwrap_or_default(),
            node: node.unwrap_or_default(),
            ready: is_ready && !ending,
            ending,
            image: image.unwrap_or_default(),
            restarts: restarts.unwrap_or(0),
        }
    }
}
