//! Access to the cluster: its API, and programs that use it.

use anyhow::{Context, Result};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use super::program::{self, ProgramOutput};
use crate::cluster_variables::{IMAGES, KUBECONFIG};
use crate::skip;

/// A cluster that is ready for tests.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    kubeconfig: String,
    images: String,
}

impl Cluster {
    /// Connects to the cluster that `cargo xtask e2e` has prepared. Without one, it records
    /// the running test as skipped and returns `None`; the test must then return.
    /// Panics when [`skip::REQUIRE`] requires a cluster.
    pub(super) async fn or_skip() -> Result<Option<Self>> {
        let (Some(kubeconfig), Some(images)) = (variable(KUBECONFIG), variable(IMAGES)) else {
            skip::skipped("cluster", "no cluster is prepared: use `cargo xtask e2e`");
            return Ok(None);
        };
        let client = connect(&kubeconfig).await;
        Ok(Some(Self {
            client: client.with_context(|| format!("reading {kubeconfig}"))?,
            kubeconfig,
            images,
        }))
    }

    /// A client of the Kubernetes API.
    pub(super) fn client(&self) -> Client {
        self.client.clone()
    }

    /// The path of a values file with the tags of our images.
    pub(super) fn images(&self) -> &str {
        &self.images
    }

    /// Runs a program such as `helm` or `kubectl` on this cluster, with `input` as its
    /// standard input.
    ///
    /// # Errors
    /// If it cannot be started. A failure of the program is in its output.
    pub async fn run(
        &self,
        program: &str,
        arguments: &[&str],
        input: &str,
    ) -> Result<ProgramOutput> {
        program::run(program, arguments, input, &self.kubeconfig).await
    }
}

async fn connect(kubeconfig: &str) -> Result<Client> {
    let kubeconfig = Kubeconfig::read_from(kubeconfig)?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    Ok(Client::try_from(config)?)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
