//! Values that must be rejected with a helpful message: `checks/bad-values.yaml`.

use std::process::Stdio;

use ::tests::workspace;
use anyhow::{Context, Result};
use serde::Deserialize;
use serde_norway::Value;
use tokio::io::AsyncWriteExt;

use super::helm::{CHART, KUBE_VERSION};
use crate::console;
use crate::program::command;

const CASES: &str = "charts/onetrace/checks/bad-values.yaml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// The values.
    values: Value,
    /// Texts that the error message must contain.
    error: Vec<String>,
}

/// Returns a problem per case that is not rejected, or not with these texts.
pub(super) async fn all(helm: &str) -> Result<Vec<String>> {
    console::progress(format!("{helm}: values that must be rejected"));
    let text = std::fs::read_to_string(workspace().join(CASES)).context(CASES)?;
    let cases: Vec<Case> = serde_norway::from_str(&text).context(CASES)?;
    let mut problems = Vec::new();
    for case in &cases {
        problems.extend(problem(helm, case).await?);
    }
    Ok(problems)
}

async fn problem(helm: &str, case: &Case) -> Result<Option<String>> {
    let values = serde_norway::to_string(&case.values)?;
    let mut template = command(helm, ["template", "onetrace", CHART, "--values", "-"]);
    template
        .args(KUBE_VERSION)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut template = template.spawn().with_context(|| helm.to_owned())?;
    let mut stdin = template.stdin.take().context("its standard input")?;
    stdin.write_all(values.as_bytes()).await?;
    drop(stdin);
    let output = template.wait_with_output().await?;
    let shown = values.trim().replace('\n', "\n    ");
    if output.status.success() {
        return Ok(Some(format!(
            "{helm} must reject these values:\n    {shown}"
        )));
    }
    let message = String::from_utf8_lossy(&output.stderr);
    let missing: Vec<_> = case
        .error
        .iter()
        .filter(|it| !message.contains(*it))
        .collect();
    if missing.is_empty() {
        return Ok(None);
    }
    Ok(Some(format!(
        "{helm} must report {missing:?} when it rejects these values:\n    {shown}\n  Its error is: {message}"
    )))
}
