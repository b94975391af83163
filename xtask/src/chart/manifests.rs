//! Checks the manifests of all values: the references between objects, the configurations of
//! Collectors and Jaeger, and, with kubeconform, the Kubernetes schemas.

use std::fs;
use std::path::PathBuf;

use ::tests::workspace;
use anyhow::{Context, Result, ensure};
use serde_norway::Mapping;

use super::helm::render;
use super::{configurations, references};
use crate::console;
use crate::program::{self, command};

const VERSION: &str = "1.34.0";
/// Kinds whose schemas are not part of Kubernetes.
const CUSTOM_KINDS: &str = "HTTPRoute,PrometheusRule,ServiceMonitor";
/// The values files in k8s/, by name.
const VALUES: [&str; 3] = ["dev", "e2e", "prod"];
/// A file with more sets of values, each with a name.
const OPTIONS: &str = "charts/onetrace/checks/options.yaml";
/// The maximum number of lines shown per manifest.
const MAX_LINES: usize = 10;
/// Part of kubeconform's error if it cannot download schemas.
const NO_SCHEMAS: &str = "failed downloading schema";

/// Returns all problems. Prints that a check is skipped if its program, or kubeconform's
/// schemas, are not available.
pub(super) async fn all(schemas: Option<&str>) -> Result<Vec<String>> {
    let rendered = rendered().await?;
    let mut problems = Vec::new();
    for (values, manifest) in &rendered {
        let wrong = references::problems(manifest)?.into_iter();
        problems.extend(wrong.map(|it| format!("the chart with {values}: {it}")));
    }
    problems.extend(configurations::problems(&rendered).await?);
    if !program::is_installed("kubeconform") {
        println!("skipped kubeconform: it is not on PATH");
        return Ok(problems);
    }
    console::progress(format!("kubeconform: {} manifests", rendered.len()));
    for (values, manifest) in &rendered {
        let Err(error) = conforms(manifest, schemas).await else {
            continue;
        };
        let error = format!("{error:#}");
        if schemas.is_none() && error.contains(NO_SCHEMAS) {
            println!(
                "skipped kubeconform: it cannot download schemas; set their location with --schemas"
            );
            return Ok(problems);
        }
        problems.push(format!("the chart with {values}: {error}"));
    }
    Ok(problems)
}

/// The manifests of all sets of values, each with the name of the set.
async fn rendered() -> Result<Vec<(String, String)>> {
    let mut manifests = vec![("default values".to_owned(), render("").await?)];
    for name in VALUES {
        let file = format!("k8s/values-{name}.yaml");
        let values = fs::read_to_string(workspace().join(&file));
        let values = values.with_context(|| file.clone())?;
        let manifest = render(&values).await;
        let manifest = manifest.with_context(|| file.clone())?;
        manifests.push((file, manifest));
    }
    let options = fs::read_to_string(workspace().join(OPTIONS)).context(OPTIONS)?;
    let options: Mapping = serde_norway::from_str(&options).context(OPTIONS)?;
    console::progress(format!("the chart with {} sets of options", options.len()));
    for (option, values) in &options {
        let name = option.as_str().context(OPTIONS)?;
        let manifest = render(&serde_norway::to_string(values)?).await;
        let manifest = manifest.with_context(|| format!("{OPTIONS}: {name}"))?;
        manifests.push((format!("{name} of {OPTIONS}"), manifest));
    }
    Ok(manifests)
}

async fn conforms(manifest: &str, schemas: Option<&str>) -> Result<()> {
    let path = manifest_file();
    fs::write(&path, manifest).with_context(|| path.display().to_string())?;
    let mut kubeconform = command("kubeconform", ["-strict", "-kubernetes-version", VERSION]);
    kubeconform.args(["-skip", CUSTOM_KINDS]);
    if let Some(schemas) = schemas {
        kubeconform.args(["-schema-location", schemas]);
    }
    // It prints problems on standard output.
    let output = kubeconform
        .arg(&path)
        .output()
        .await
        .context("kubeconform")?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    let first: Vec<_> = stdout.lines().take(MAX_LINES).collect();
    ensure!(output.status.success(), "{}", first.join("\n  "));
    Ok(())
}

fn manifest_file() -> PathBuf {
    workspace().join("target/chart.yaml")
}
