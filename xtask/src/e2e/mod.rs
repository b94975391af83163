//! `e2e`: the tests in a cluster, from nothing: kind, images, chart, tests.

mod cluster;
mod upstream;

use std::env;
use std::time::Instant;

use ::tests::cluster_variables::{IMAGES, KEEP, KUBECONFIG};
use anyhow::{Result, bail};
use clap::Args;

use crate::console;
use crate::image::{self, Image};
use crate::interrupt::Interrupts;
use crate::program;
use crate::test::{self, SkippedFile, Tally};
use cluster::Cluster;

/// Tests wait far more than they compute, and each has a namespace of its own.
const TESTS_AT_ONCE: &str = "4";

/// Run the end-to-end tests in a Kubernetes cluster, made by kind from nothing
///
/// Makes the cluster `onetrace` of k8s/kind.yaml, or uses it where it is there and
/// answers; builds the images that changed and loads them; then each test installs
/// the chart by Helm into a namespace of its own. The last line is `N passed, N
/// failed, N skipped`. The cluster stays for the next run. Needs a Docker engine,
/// kind, kubectl and helm.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Keep the namespaces of the tests, to look into; so does `E2E_KEEP=1`. The next run deletes them
    #[arg(long)]
    keep: bool,

    /// Only delete the cluster
    #[arg(long, conflicts_with_all = ["keep", "filter"])]
    delete: bool,

    /// Only tests with this in their name
    filter: Option<String>,
}

pub(crate) async fn run(arguments: Arguments, mut interrupts: Interrupts) -> Result<bool> {
    program::require(&["docker", "kind", "kubectl", "helm"])?;
    let cluster = Cluster::new();
    if arguments.delete {
        interrupts.or(cluster.delete()).await?;
        return Ok(true);
    }
    let began = Instant::now();
    program::engine_architecture().await?;
    interrupts.or(cluster.prepare()).await?;
    done("the cluster is ready", began);
    let images = interrupts.or(images()).await?;
    done("the images are in the cluster", began);
    let keep = arguments.keep || env::var(KEEP).is_ok_and(|keep| !keep.is_empty() && keep != "0");
    let tested = interrupts.or(tests(&cluster, &arguments, keep)).await;
    if !keep {
        // Also what an interrupted test has left.
        cluster.delete_namespaces().await?;
    }
    let (tally, success) = tested?;
    done("the tests have ended", began);
    print!("\n{}", tally.report());
    if !success && tally.failed() == 0 {
        bail!("cargo test failed before or beside the tests: see above");
    }
    if tally.is_empty() {
        let filter = arguments.filter.unwrap_or_default();
        bail!("no test has {filter:?} in its name");
    }
    Ok(success && tally.failed() == 0 && image::fits(&images))
}

/// Builds or finds all images, and loads what the cluster has not got.
async fn images() -> Result<Vec<Image>> {
    let images = image::all().await?;
    let mut all: Vec<_> = images.iter().map(Image::reference).collect();
    image::load(&all, cluster::NAME).await?;
    all = upstream::on_this_machine().await?;
    if let Err(error) = image::load(&all, cluster::NAME).await {
        console::progress(format!("{error:#}"));
        console::progress("so the cluster pulls these images itself");
    }
    Ok(images)
}

async fn tests(cluster: &Cluster, arguments: &Arguments, keep: bool) -> Result<(Tally, bool)> {
    let skipped = SkippedFile::new()?;
    let mut cargo = test::cargo(&["test", "--no-fail-fast", "--package", "tests"]);
    cargo
        .args(["--features", "cluster", "--test", "cluster_*", "--"])
        .args(["--test-threads", TESTS_AT_ONCE])
        .args(arguments.filter.as_deref())
        .env(KUBECONFIG, cluster.kubeconfig())
        .env(IMAGES, image::values_file())
        .env(KEEP, if keep { "1" } else { "" });
    let (mut tally, success) = test::count(cargo, &skipped).await?;
    tally.skip(skipped.read()?);
    Ok((tally, success))
}

fn done(what: &str, began: Instant) {
    console::progress(format!("{what}, after {:.0?}", began.elapsed()));
}
