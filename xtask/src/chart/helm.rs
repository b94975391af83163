//! The chart, and Helm's commands on it.

use std::process::Stdio;

use anyhow::{Context, Result, anyhow, ensure};
use tokio::io::AsyncWriteExt;

use crate::console;
use crate::program::{self, command};

pub(super) const CHART: &str = "charts/onetrace";
/// Without it, `helm template` of Helm 3 assumes a much older Kubernetes.
const KUBE_VERSION: [&str; 2] = ["--kube-version", "1.34.0"];

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

/// Renders the chart's manifests with these values, in YAML.
///
/// # Errors
/// If the chart rejects the values; with Helm's message.
pub(super) async fn render(values: &str) -> Result<String> {
    let manifest = template("helm", &Release::default(), values).await?;
    let manifest = manifest.map_err(|error| anyhow!("helm template failed: {error}"))?;
    ensure!(
        !manifest.trim().is_empty(),
        "helm template rendered nothing for {CHART}"
    );
    Ok(manifest)
}

/// What `helm template` renders for.
pub(super) struct Release<'a> {
    pub(super) chart: &'a str,
    pub(super) name: &'a str,
    pub(super) namespace: &'a str,
}

impl Default for Release<'_> {
    fn default() -> Self {
        Self {
            chart: CHART,
            name: "onetrace",
            namespace: "onetrace",
        }
    }
}

/// Runs `helm template` with these values. Returns the manifests, or the message with which
/// the values are rejected.
///
/// # Errors
/// If Helm cannot be run.
pub(super) async fn template(
    helm: &str,
    release: &Release<'_>,
    values: &str,
) -> Result<Result<String, String>> {
    let arguments = ["template", release.name, release.chart, "--values", "-"];
    let mut template = command(helm, arguments);
    template
        .args(["--namespace", release.namespace])
        .args(KUBE_VERSION)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut template = template.spawn().with_context(|| helm.to_owned())?;
    let mut stdin = template.stdin.take().context("its standard input")?;
    stdin.write_all(values.as_bytes()).await?;
    drop(stdin);
    let output = template.wait_with_output().await?;
    Ok(if output.status.success() {
        Ok(String::from_utf8(output.stdout)?)
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    })
}
