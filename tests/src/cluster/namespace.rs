//! A namespace for one test.

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Namespace as Object;
use kube::api::{DeleteParams, PostParams};
use kube::{Api, ResourceExt};
use serde_json::json;

use super::Cluster;
use crate::cluster_variables::LABEL;

/// A namespace that only one test uses. What is not allowed by Pod Security
/// "restricted" cannot run in it.
#[derive(Clone)]
pub struct Namespace {
    /// The cluster.
    pub cluster: Cluster,
    /// Its name, which no other run has.
    pub name: String,
}

impl Namespace {
    /// Makes one whose name begins with what the test is about.
    ///
    /// # Errors
    /// When the cluster refuses.
    pub async fn create(cluster: &Cluster, about: &str) -> Result<Self> {
        let wanted = serde_json::from_value(json!({"metadata": {
            "generateName": format!("e2e-{about}-"),
            "labels": {
                LABEL: "true",
                "pod-security.kubernetes.io/enforce": "restricted",
            },
        }}))?;
        let api: Api<Object> = Api::all(cluster.client());
        let made = api.create(&PostParams::default(), &wanted).await;
        let made = made.context("making a namespace")?;
        Ok(Self {
            cluster: cluster.clone(),
            name: made.name_any(),
        })
    }

    /// Deletes it with all that is in it. It goes by and by: nothing waits for it.
    ///
    /// # Errors
    /// When the cluster refuses.
    pub async fn delete(&self) -> Result<()> {
        let api: Api<Object> = Api::all(self.cluster.client());
        let deleted = api.delete(&self.name, &DeleteParams::background()).await;
        deleted.with_context(|| format!("deleting {}", self.name))?;
        Ok(())
    }
}
