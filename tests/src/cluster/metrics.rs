//! Measurements of a release's pods.

use anyhow::{Context, Result, ensure};
use http::Request;
use serde_json::Value;

use super::pods::PodState;
use super::release::Release;
use crate::prometheus;

impl Release {
    /// What `/metrics` of each pod of `gateway`, `hello` or `collector` returns, in the
    /// Prometheus text format.
    ///
    /// # Errors
    /// If a pod does not respond, or has been restarted, which resets its counters.
    pub async fn metrics(&self, component: &str) -> Result<Vec<String>> {
        let mut texts = Vec::new();
        for pod in self.ready_pods(component).await? {
            ensure!(pod.restarts == 0, "{component} must not crash: {pod:?}");
            let forward = self.forward_admin(component, &pod).await?;
            let text = prometheus::fetch(&forward.url()).await;
            texts.push(text.with_context(|| format!("the metrics of {}", pod.name))?);
        }
        Ok(texts)
    }

    /// The working set of a pod's first container in bytes, as measured by its kubelet.
    /// Kubernetes compares it with the memory limit.
    ///
    /// # Errors
    /// If the kubelet does not return it.
    pub async fn memory(&self, pod: &PodState) -> Result<u64> {
        let path = format!("/api/v1/nodes/{}/proxy/stats/summary", pod.node);
        let client = self.namespace.cluster.client();
        let request = Request::get(&path).body(Vec::new())?;
        let summary = client.request::<Value>(request).await;
        let summary = summary.with_context(|| path.clone())?;
        let pods = summary["pods"].as_array().context("pods")?;
        let of_pod = pods.iter().find(|it| it["podRef"]["uid"] == *pod.uid);
        let memory = of_pod.map(|it| &it["containers"][0]["memory"]);
        let working_set = memory.and_then(|memory| memory["workingSetBytes"].as_u64());
        working_set.with_context(|| format!("{path} has no memory of {}", pod.name))
    }
}
