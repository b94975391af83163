//! What kubelets measure of pods.

use anyhow::{Context, Result, bail};
use http::Request;
use serde_json::Value;

use super::{PodState, Release};

impl Release {
    /// The memory of a pod in bytes, which its limit is held against: its working set.
    ///
    /// # Errors
    /// When its kubelet does not say.
    pub async fn memory(&self, pod: &PodState) -> Result<u64> {
        let path = format!("/api/v1/nodes/{}/proxy/stats/summary", pod.node);
        let request = Request::get(&path).body(Vec::new())?;
        let client = self.namespace.cluster.client();
        let summary: Value = client
            .request(request)
            .await
            .with_context(|| path.clone())?;
        let pods = summary["pods"]
            .as_array()
            .context("the summary has no pods")?;
        let Some(measured) = pods
            .iter()
            .find(|it| it["podRef"]["uid"] == pod.uid.as_str())
        else {
            bail!("{path} has no {}", pod.name);
        };
        let containers = measured["containers"]
            .as_array()
            .context("its containers")?;
        let bytes = containers
            .iter()
            .map(|it| it["memory"]["workingSetBytes"].as_u64());
        let bytes: Option<u64> = bytes.sum();
        bytes.with_context(|| format!("{path} has no memory of {}: {measured}", pod.name))
    }
}
