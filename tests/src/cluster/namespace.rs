//! A namespace for one test.

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Namespace as NamespaceObject;
use kube::api::{DeleteParams, PostParams};
use kube::{Api, ResourceExt};
use serde_json::json;

use super::connection::Cluster;
use crate::cluster_variables::LABEL;

/// A namespace that only one test uses. It enforces the Pod Security level "restricted".
#[derive(Clone)]
pub struct Namespace {
    /// The cluster.
    pub cluster: Cluster,
    /// Its name, which is unique.
    pub name: String,
}

impl Namespace {
    /// Creates a namespace with the name `e2e-TOPIC-RANDOM`.
    pub(super) async fn create(cluster: &Cluster, topic: &str) -> Result<Self> {
        let namespace = serde_json::from_value(json!({"metadata": {
            "generateName": format!("e2e-{topic}-"),
            "labels": {
                LABEL: "true",
                "pod-security.kubernetes.io/enforce": "restricted",
            },
        }}))?;
        let api: Api<NamespaceObject> = Api::all(cluster.client());
        let created = api.create(&PostParams::default(), &namespace).await;
        let created = created.context("creating a namespace")?;
        Ok(Self {
            cluster: cluster.clone(),
            name: created.name_any(),
        })
    }

    /// Starts to delete the namespace and everything in it.
    pub(super) async fn delete(&self) -> Result<()> {
        let api: Api<NamespaceObject> = Api::all(self.cluster.client());
        let deleted = api.delete(&self.name, &DeleteParams::background()).await;
        deleted.with_context(|| format!("deleting {}", self.name))?;
        Ok(())
    }
}
