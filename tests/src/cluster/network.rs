//! Ensures that network policies allow declared connections only.

use std::time::Duration;

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::ResourceExt;
use kube::api::{DeleteParams, LogParams, PostParams};
use serde_json::{Value, json};

use super::namespace::Namespace;
use super::release::Release;
use crate::wait;

/// Containers run twice, with a pause of ten seconds, and pull their image first.
const TIMEOUT: Duration = Duration::from_mins(2);

/// A port of a Service of the release.
#[derive(Clone, Copy, Debug)]
pub struct Destination<'a> {
    /// The name of the Service without that of the release, such as `gateway-admin`.
    pub service: &'a str,
    /// The port, which must serve HTTP.
    pub port: u16,
    /// Whether connections must be allowed.
    pub allowed: bool,
}

impl Release {
    /// Ensures that exactly the allowed destinations can be reached from a pod with the labels
    /// of `component`; `None` stands for a pod without labels.
    ///
    /// The pod has one container per destination, from the image of `helm test`, whose HTTP
    /// client logs whether the server has responded. Only the second run of each container
    /// counts, because a CNI applies policies to a new pod shortly after its start.
    ///
    /// # Errors
    /// If an allowed destination cannot be reached, or a denied one can.
    pub async fn ensure_network_policies(
        &self,
        component: Option<&str>,
        destinations: &[Destination<'_>],
    ) -> Result<()> {
        let pods = self.namespace.pod_api();
        let pod = self.client_pod(component, destinations).await?;
        let name = pods.create(&PostParams::default(), &pod).await?.name_any();
        self.namespace.wait_for_second_runs(&name).await?;
        for destination in destinations {
            let Destination { service, port, .. } = destination;
            let parameters = LogParams {
                container: Some(destination.container()),
                ..LogParams::default()
            };
            let log = pods.logs(&name, &parameters).await?;
            let reached = !log.contains("cannot reach");
            ensure!(
                reached == destination.allowed,
                "a pod with the labels of {component:?} must {} {service}:{port}: {log}",
                if reached { "not reach" } else { "reach" }
            );
        }
        pods.delete(&name, &DeleteParams::default()).await?;
        Ok(())
    }

    async fn client_pod(
        &self,
        component: Option<&str>,
        destinations: &[Destination<'_>],
    ) -> Result<Pod> {
        let image = self.test_image().await?;
        let containers = destinations.iter().map(|destination| {
            let service = self.object_name(destination.service);
            let url = format!("http://{service}:{}", destination.port);
            json!({
                "name": destination.container(),
                "image": image,
                "args": ["show", "--timeout", "1s", "--jaeger", url, "4bf92f3577b34da6a3ce929d0e0e4736"],
                "securityContext": {
                    "allowPrivilegeEscalation": false,
                    "capabilities": {"drop": ["ALL"]},
                },
            })
        });
        let containers: Vec<Value> = containers.collect();
        let labels = component.map(|component| {
            json!({
                "app.kubernetes.io/name": component,
                "app.kubernetes.io/instance": self.name,
                "app.kubernetes.io/part-of": "onetrace",
            })
        });
        Ok(serde_json::from_value(json!({
            "metadata": {"generateName": "client-", "labels": labels},
            "spec": {
                "restartPolicy": "Always",
                "automountServiceAccountToken": false,
                "terminationGracePeriodSeconds": 0,
                "securityContext": {
                    "runAsNonRoot": true,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": containers,
            },
        }))?)
    }
}

impl Namespace {
    /// Waits until all containers of a pod have ended for the second time.
    async fn wait_for_second_runs(&self, pod: &str) -> Result<()> {
        let what = format!("the second runs of all containers of {pod} to end");
        wait::until(&what, TIMEOUT, async || {
            let status = self.pod_api().get(pod).await?.status.unwrap_or_default();
            let containers = status.container_statuses.unwrap_or_default();
            ensure!(!containers.is_empty(), "no containers");
            ensure!(containers.iter().all(has_run_twice), "{containers:?}");
            Ok(())
        })
        .await
    }
}

fn has_run_twice(container: &ContainerStatus) -> bool {
    let state = container.state.as_ref();
    container.restart_count >= 1 && state.is_some_and(|state| state.running.is_none())
}

impl Destination<'_> {
    fn container(&self) -> String {
        format!("{}-{}", self.service, self.port)
    }
}
