//! `chart`: what is generated from the chart, and what it must pass.

mod generated;
mod links;
mod manifests;
mod refused;
mod values_table;

use anyhow::{Result, bail};
use clap::Args;

use crate::console;
use crate::interrupt::Interrupts;
use crate::program::{self, call};

const CHART: &str = "charts/onetrace";
/// Helm 3 takes a much older one where it has no cluster to ask.
const KUBE_VERSION: [&str; 2] = ["--kube-version", "1.34.0"];

/// Generate what is made from the chart, and check the chart
///
/// Writes the rendered manifest and the README's table of values. Then: helm lint,
/// by Helm 3 too where there is helm3; every value that must be refused is, by name;
/// with the values in k8s/ and every option, the objects that name each other fit
/// together, and satisfy the Kubernetes schemas where there is kubeconform. The exit
/// status is 1 where something is not so.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Write nothing; what would be written otherwise is a failure
    #[arg(long)]
    check: bool,

    /// Where kubeconform finds schemas, as its -schema-location; its own default otherwise
    #[arg(long, env = "KUBECONFORM_SCHEMAS", value_name = "LOCATION")]
    schemas: Option<String>,
}

pub(crate) async fn run(arguments: Arguments, mut interrupts: Interrupts) -> Result<bool> {
    program::require(&["helm"])?;
    interrupts.or(all(&arguments)).await
}

async fn all(arguments: &Arguments) -> Result<bool> {
    let mut problems = generated::all(arguments.check).await?;
    for helm in helms() {
        problems.extend(lint(helm).await);
        problems.extend(refused::all(helm).await?);
    }
    problems.extend(manifests::all(arguments.schemas.as_deref()).await?);
    for problem in &problems {
        println!("{problem}");
    }
    if problems.is_empty() {
        println!("{CHART} is as it must be");
    }
    Ok(problems.is_empty())
}

/// The programs of Helm that are there.
fn helms() -> Vec<&'static str> {
    let mut helms = vec!["helm"];
    if program::is_there("helm3") {
        helms.push("helm3");
    }
    helms
}

async fn lint(helm: &str) -> Option<String> {
    console::progress(format!("{helm} lint"));
    let mut lint = call(helm, ["lint", "--strict", CHART]);
    lint.args(KUBE_VERSION);
    let linted = program::output(lint).await;
    linted.err().map(|error| format!("{error:#}"))
}

/// The manifests of the chart, with a file of values or none.
async fn render(values: Option<&str>) -> Result<String> {
    let arguments = ["template", "onetrace", CHART, "--namespace", "onetrace"];
    let mut helm = call("helm", arguments);
    helm.args(KUBE_VERSION);
    if let Some(values) = values {
        helm.args(["--values", values]);
    }
    let manifest = program::output(helm).await?;
    if manifest.is_empty() {
        bail!("helm template has rendered nothing of {CHART}");
    }
    Ok(format!("{manifest}\n"))
}
