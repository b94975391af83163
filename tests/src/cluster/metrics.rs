//! The metrics of a release's pods, and the alerts about them.

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;

use super::{Forward, Release};
use crate::accounting;

impl Release {
    /// What each pod of a part says at `/metrics`, in Prometheus' text format.
    ///
    /// # Errors
    /// When one does not say, or was started again and has forgotten.
    pub async fn metrics(&self, part: &str) -> Result<Vec<String>> {
        let number = port(part)?;
        let mut texts = Vec::new();
        for pod in self.namespace.ready_pods(self.part(part)).await? {
            ensure!(pod.restarts == 0, "{part} must not crash: {pod:?}");
            let forward = Forward::to_pod(&self.namespace, &pod.name, number).await?;
            let text = accounting::metrics(&forward.url()).await;
            texts.push(text.with_context(|| format!("the metrics of {}", pod.name))?);
        }
        Ok(texts)
    }

    /// The chart's alerts, as it would install them.
    ///
    /// # Errors
    /// When Helm cannot render them.
    pub async fn alerts(&self) -> Result<String> {
        let values = json!({"prometheusRule": {"enabled": true}});
        let template = ["--show-only", "templates/prometheus-rule.yaml"];
        self.template(&template, &values).await
    }
}

fn port(part: &str) -> Result<u16> {
    match part {
        "gateway" => Ok(8081),
        "hello" => Ok(8091),
        "collector" | "sampler" | "jaeger" => Ok(8888),
        _ => bail!("{part} is no part with metrics"),
    }
}
