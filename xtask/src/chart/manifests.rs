//! Manifests against the schemas of Kubernetes, by kubeconform.

use std::path::PathBuf;

use ::tests::workspace;
use anyhow::{Context, Result, ensure};

use super::render;
use crate::console;
use crate::program::{self, call};

const VERSION: &str = "1.34.0";
/// Their schemas are those of their operators.
const CUSTOM: &str = "HTTPRoute,PrometheusRule,ServiceMonitor";
/// All files of values beside the chart's own.
const VALUES: [&str; 3] = ["dev", "e2e", "prod"];
/// Lines of what is wrong with one manifest.
const SHOWN: usize = 10;
/// What kubeconform says where it cannot get schemas.
const NO_SCHEMAS: &str = "failed downloading schema";

/// Says what is no valid manifest. Without kubeconform or its schemas, says that.
pub(super) async fn all(schemas: Option<&str>) -> Result<Vec<String>> {
    let mut rendered = vec![("its defaults".to_owned(), render(None).await?)];
    for name in VALUES {
        let file = format!("k8s/values-{name}.yaml");
        let manifest = render(Some(&file)).await?;
        rendered.push((file, manifest));
    }
    if !program::is_there("kubeconform") {
        println!("skipped kubeconform: it is not on PATH");
        return Ok(Vec::new());
    }
    let mut problems = Vec::new();
    for (values, manifest) in rendered {
        console::progress(format!("kubeconform: the chart with {values}"));
        let Err(error) = conforms(&manifest, schemas).await else {
            continue;
        };
        let error = format!("{error:#}");
        if schemas.is_none() && error.contains(NO_SCHEMAS) {
            println!("skipped kubeconform: it cannot download schemas; name others by --schemas");
            return Ok(Vec::new());
        }
        problems.push(format!("the chart with {values}: {error}"));
    }
    Ok(problems)
}

async fn conforms(manifest: &str, schemas: Option<&str>) -> Result<()> {
    let path = file();
    std::fs::write(&path, manifest).with_context(|| path.display().to_string())?;
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
