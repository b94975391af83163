//! The chart, and Helm's commands on it.

use anyhow::{Result, ensure};

use crate::console;
use crate::program::{self, command};

pub(super) const CHART: &str = "charts/onetrace";
/// Without it, `helm template` of Helm 3 assumes a much older Kubernetes.
pub(super) const KUBE_VERSION: [&str; 2] = ["--kube-version", "1.34.0"];

/// The installed programs of Helm.
pub(super) fn installed() -> Vec<&'static str> {
    let mut helms = vec!["helm"];
    if program::is_installed("helm3") {
        helms.push("helm3");
    }
    helms
}

/// Runs `helm lint`; returns its error output.
pub(super) async fn lint(helm: &str) -> Option<String> {
    console::progress(format!("{helm} lint"));
    let mut lint = command(helm, ["lint", "--strict", CHART]);
    lint.args(KUBE_VERSION);
    let linted = program::output(lint).await;
    linted.err().map(|error| format!("{error:#}"))
}

/// Renders the chart's manifests, with a values file or with the default values.
pub(super) async fn render(values: Option<&str>) -> Result<String> {
    let arguments = ["template", "onetrace", CHART, "--namespace", "onetrace"];
    let mut helm = command("helm", arguments);
    helm.args(KUBE_VERSION);
    if let Some(values) = values {
        helm.args(["--values", values]);
    }
    let manifest = program::output(helm).await?;
    ensure!(
        !manifest.is_empty(),
        "helm template rendered nothing for {CHART}"
    );
    Ok(format!("{manifest}\n"))
}
