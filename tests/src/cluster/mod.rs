//! The system in a Kubernetes cluster: what installs it with Helm in a namespace
//! of its own, reaches into it, disturbs it, and reports on it when a test fails.
//!
//! `cargo xtask e2e` prepares the cluster and says by variables where it is. Single
//! requests go by port-forward through the Kubernetes API, which works wherever the
//! API does. Load does not: a forwarded connection bypasses the Service, and with it
//! all that a rolling restart is about. It goes to the gateway's node port, by the
//! address of a node.

mod account;
mod collectors;
mod disrupt;
mod edge;
mod forward;
mod helm;
mod kubelet;
mod metrics;
mod namespace;
mod pods;
mod recorder;
mod release;
mod report;
mod requests;
mod stage;
mod stored;
mod under_load;

use std::path::PathBuf;

use anyhow::{Context, Result};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

pub use account::Account;
pub use collectors::Collectors;
pub use disrupt::Drained;
pub use edge::Edge;
pub use forward::Forward;
pub use helm::{Helm, Outcome};
pub use namespace::Namespace;
pub use pods::{Part, PodState};
pub use recorder::Recorder;
pub use release::Release;
pub use stage::on_stage;
pub use stored::{spans_of, whole};
pub use under_load::Shown;

use crate::cluster_variables::{IMAGES, KUBECONFIG};

/// A cluster that is ready for tests.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    kubeconfig: PathBuf,
    images: PathBuf,
}

impl Cluster {
    /// The cluster that `cargo xtask e2e` has prepared, or `None` without one: the
    /// test is then noted as skipped and must return.
    ///
    /// # Errors
    /// When it does not answer.
    ///
    /// # Panics
    /// When [`crate::skip::REQUIRE`] says that there must be one and there is none.
    pub async fn or_skip() -> Result<Option<Self>> {
        let (Some(kubeconfig), Some(images)) = (variable(KUBECONFIG), variable(IMAGES)) else {
            let why = "no cluster is prepared: run it by `cargo xtask e2e`";
            crate::skip::skipped("cluster", why);
            return Ok(None);
        };
        let client = connect(&kubeconfig).await?;
        Ok(Some(Self {
            client,
            kubeconfig,
            images,
        }))
    }

    /// A client of its API.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// Helm, as it is on `PATH`.
    pub fn helm(&self) -> Helm {
        Helm::new("helm", &self.kubeconfig)
    }

    /// Another program of Helm, by its name on `PATH`.
    pub fn helm_called(&self, program: &str) -> Helm {
        Helm::new(program, &self.kubeconfig)
    }
}

async fn connect(kubeconfig: &PathBuf) -> Result<Client> {
    let file = || kubeconfig.display().to_string();
    let options = KubeConfigOptions::default();
    let read = Kubeconfig::read_from(kubeconfig).with_context(file)?;
    let config = Config::from_custom_kubeconfig(read, &options).await;
    Ok(Client::try_from(config.with_context(file)?)?)
}

fn variable(name: &str) -> Option<PathBuf> {
    let value = std::env::var_os(name)?;
    (!value.is_empty()).then(|| value.into())
}
