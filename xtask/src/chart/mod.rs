//! `chart`: generates files from the chart, and checks the chart.

mod alerts;
mod configurations;
mod generated;
mod helm;
mod manifests;
mod references;
mod rejected;
#[cfg(test)]
mod tests;
mod values_table;

use anyhow::Result;
use clap::Args;

use crate::interrupt::Interrupts;
use crate::program;

/// Generate files from the chart, and check the chart
///
/// Writes the rendered manifest and the table of values in the chart's README. Then
/// checks: helm lint (also with Helm 3, if helm3 is installed); invalid values are
/// rejected with a helpful message; with each values file in k8s/ and with every option,
/// the objects refer only to objects that exist, the configurations of Collectors and
/// Jaeger are valid for the images that run them (if otelcol-k8s, otelcol-contrib and
/// jaeger are installed in the same versions), the objects match the Kubernetes schemas (if
/// kubeconform is installed), and the alerts fire when they must (if promtool is installed).
/// The exit status is 1 if a check fails.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Write nothing; fail if a generated file is out of date
    #[arg(long)]
    check: bool,

    /// The -schema-location of kubeconform [default: its own]
    #[arg(long, env = "KUBECONFORM_SCHEMAS", value_name = "LOCATION")]
    schemas: Option<String>,
}

pub(crate) async fn run(arguments: Arguments, mut interrupts: Interrupts) -> Result<bool> {
    program::require(&["helm"])?;
    interrupts.or(all(&arguments)).await
}

async fn all(arguments: &Arguments) -> Result<bool> {
    let mut problems = generated::all(arguments.check).await?;
    for helm in helm::installed() {
        problems.extend(helm::lint(helm).await);
        problems.extend(rejected::all(helm).await?);
    }
    problems.extend(alerts::problems().await?);
    problems.extend(manifests::all(arguments.schemas.as_deref()).await?);
    for problem in &problems {
        println!("{problem}");
    }
    if problems.is_empty() {
        println!("{}: no problems found", helm::CHART);
    }
    Ok(problems.is_empty())
}
