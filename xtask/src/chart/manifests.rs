//! Manifests of all values: against each other's objects, and against the schemas of
//! Kubernetes, by kubeconform.

use std::fs;
use std::path::PathBuf;

use ::tests::workspace;
use anyhow::{Context, Result, ensure};
use serde_norway::Mapping;

use super::{links, render};
use crate::console;
use crate::program::{self, call};

const VERSION: &str = "1.34.0";
/// Their schemas are those of their operators.
const CUSTOM: &str = "HTTPRoute,PrometheusRule,ServiceMonitor";
/// All files of values beside the chart's own.
const VALUES: [&str; 3] = ["dev", "e2e", "prod"];
/// Further values, by name.
const OPTIONS: &str = "charts/onetrace/checks/options.yaml";
const SCRATCH: &str = "target/chart-values.yaml";
/// Lines of what is wrong with one manifest.
const SHOWN: usize = 10;
/// What kubeconform says where it cannot get schemas.
const NO_SCHEMAS: &str = "failed downloading schema";

/// Says what is no valid manifest. Without kubeconform or its schemas, says that.
pub(super) async fn all(schemas: Option<&str>) -> Result<Vec<String>> {
    let rendered = rendered().await?;
    let mut problems = Vec::new();
    for (values, manifest) in &rendered {
        let wrong = links::problems(manifest)?.into_iter();
        problems.extend(wrong.map(|it| format!("the chart with {values}: {it}")));
    }
    if !program::is_there("kubeconform") {
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
            println!("skipped kubeconform: it cannot download schemas; name others by --schemas");
            return Ok(problems);
        }
        problems.push(format!("the chart with {values}: {error}"));
    }
    Ok(problems)
}

/// The manifests of all values that there are, each with a name for its values.
async fn rendered() -> Result<Vec<(String, String)>> {
    let mut rendered = vec![("its defaults".to_owned(), render(None).await?)];
    for name in VALUES {
        let file = format!("k8s/values-{name}.yaml");
        let manifest = render(Some(&file)).await?;
        rendered.push((file, manifest));
    }
    let options = fs::read_to_string(workspace().join(OPTIONS)).context(OPTIONS)?;
    let options: Mapping = serde_norway::from_str(&options).context(OPTIONS)?;
    console::progress(format!("the chart with {} sets of options", options.len()));
    for (option, values) in &options {
        let name = option.as_str().context(OPTIONS)?;
        let path = workspace().join(SCRATCH);
        fs::write(&path, serde_norway::to_string(values)?).context(SCRATCH)?;
        let manifest = render(Some(SCRATCH)).await;
        let manifest = manifest.with_context(|| format!("{OPTIONS}: {name}"))?;
        rendered.push((format!("{name} of {OPTIONS}"), manifest));
    }
    Ok(rendered)
}

async fn conforms(manifest: &str, schemas: Option<&str>) -> Result<()> {
    let path = file();
    fs::write(&path, manifest).with_context(|| path.display().to_string())?;
    let mut kubeconform = call("kubeconform", ["-strict", "-kubernetes-version", VERSION]);
    kubeconform.args(["-skip", CUSTOM]);
    if let Some(schemas) = schemas {
        kubeconform.args(["-schema-location", schemas]);
    }
    // It says what is wrong on its standard output.
    let output = kubeconform
        .arg(&path)
        .output()
        .await
        .context("kubeconform")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let first: Vec<_> = said.lines().take(SHOWN).collect();
    ensure!(output.status.success(), "{}", first.join("\n  "));
    Ok(())
}

fn file() -> PathBuf {
    workspace().join("target/chart.yaml")
}
