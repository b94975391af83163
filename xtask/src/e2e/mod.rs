//! `e2e`: creates a cluster, builds and loads the images, and runs the tests in the cluster.

mod cluster;
mod upstream;

use std::time::Instant;

use ::tests::cluster_variables::{IMAGES, KEEP, KUBECONFIG, keep_namespaces};
use anyhow::{Result, bail};
use clap::Args;

use crate::console;
use crate::image::{self, Image};
use crate::interrupt::Interrupts;
use crate::program;
use crate::test::{self, SkippedFile, Tally};
use cluster::Cluster;

/// Tests run concurrently, because they mostly wait and each has its own namespace.
const CONCURRENT_TESTS: &str = "4";

/// Run the end-to-end tests in a Kubernetes cluster, which kind creates
///
/// Creates the kind cluster `onetrace` from k8s/kind.yaml unless it exists. Builds the
/// images that have changed and loads them into the cluster. Each test then installs the
/// chart with Helm into its own namespace. The last line is `N passed, N failed,
/// N skipped`. The cluster is kept for the next run. Requires a Docker engine, kind,
/// kubectl and helm.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Keep the namespaces of the tests, like `E2E_KEEP=1`. The next run deletes them
    #[arg(long)]
    keep: bool,

    /// Only delete the cluster
    #[arg(long, conflicts_with_all = ["keep", "filter"])]
    delete: bool,

    /// Run only the tests whose name contains this text
    filter: Option<String>,
}

pub(crate) async fn run(arguments: Arguments, mut interrupts: Interrupts) -> Result<bool> {
    program::require(&["docker", "kind", "kubectl", "helm"])?;
    let cluster = Cluster::new();
    if arguments.delete {
        interrupts.or(cluster.delete()).await?;
        return Ok(true);
    }
    let started_at = Instant::now();
    program::engine_architecture().await?;
    interrupts.or(cluster.prepare()).await?;
    progress("the cluster is ready", started_at);
    let images = interrupts.or(images()).await?;
    progress("the images are in the cluster", started_at);
    let keep = arguments.keep || keep_namespaces();
    let tested = interrupts.or(tests(&cluster, &arguments, keep)).await;
    if !keep {
        // An interrupted test has left its namespace.
        cluster.delete_namespaces().await?;
    }
    let (tally, success) = tested?;
    progress("the tests have ended", started_at);
    print!("\n{}", tally.report());
    if !success && tally.failed() == 0 {
        bail!("cargo test failed, but no test did: see above");
    }
    if tally.is_empty() {
        let filter = arguments.filter.unwrap_or_default();
        bail!("no test has a name that contains {filter:?}");
    }
    Ok(success && tally.failed() == 0 && image::fits(&images))
}

/// Builds our images, and loads all images that are on this machine into the cluster.
async fn images() -> Result<Vec<Image>> {
    let images = image::all().await?;
    let ours: Vec<_> = images.iter().map(Image::reference).collect();
    image::load(&ours, cluster::NAME).await?;
    let upstream = upstream::on_this_machine().await?;
    if let Err(error) = image::load(&upstream, cluster::NAME).await {
        console::progress(format!("{error:#}"));
        console::progress("the cluster will pull these images");
    }
    Ok(images)
}

async fn tests(cluster: &Cluster, arguments: &Arguments, keep: bool) -> Result<(Tally, bool)> {
    let skipped = SkippedFile::new()?;
    let mut cargo = program::cargo(["test", "--no-fail-fast", "--package", "tests"]);
    cargo
        .args(["--features", "cluster", "--test", "cluster_*", "--"])
        .args(["--test-threads", CONCURRENT_TESTS])
        .args(arguments.filter.as_deref())
        .env(KUBECONFIG, cluster.kubeconfig())
        .env(IMAGES, image::values_file())
        .env(KEEP, if keep { "1" } else { "" });
    let (mut tally, success) = test::count(cargo, &skipped).await?;
    tally.skip(skipped.read()?);
    Ok((tally, success))
}

fn progress(what: &str, started_at: Instant) {
    console::progress(format!("{what}, after {:.0?}", started_at.elapsed()));
}
