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

/// Containers run several times, with pauses of 10, 20 and 40 seconds.
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
    /// client logs whether the server has responded. The containers restart until all results
    /// are as declared, because a CNI applies policies to a new pod some time after its start:
    /// the first run of a container does not count.
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
        let what =
            format!("the network policies to apply to {name}, with the labels of {component:?}");
        wait::until(&what, TIMEOUT, async || {
            self.namespace.ensure_ran_twice(&name).await?;
            for destination in destinations {
                self.namespace
                    .ensure_as_declared(&name, destination)
                    .await?;
            }
            anyhow::Ok(())
        })
        .await?;
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
    async fn ensure_ran_twice(&self, pod: &str) -> Result<()> {
        let status = self.pod_api().get(pod).await?.status.unwrap_or_default();
        let containers = status.container_statuses.unwrap_or_default();
        ensure!(!containers.is_empty(), "no containers");
        ensure!(containers.iter().all(has_run_twice), "{containers:?}");
        Ok(())
    }

    /// Ensures that the last run of a container has reached its destination only if that is
    /// allowed.
    async fn ensure_as_declared(&self, pod: &str, destination: &Destination<'_>) -> Result<()> {
        let Destination { service, port, .. } = destination;
        let parameters = LogParams {
            container: Some(destination.container()),
            ..LogParams::default()
        };
        let log = self.pod_api().logs(pod, &parameters).await?;
        ensure!(!log.is_empty(), "{service}:{port} has no result yet");
        let reached = !log.contains("cannot reach");
        ensure!(
            reached == destination.allowed,
            "the pod must {} {service}:{port}: {log}",
            if reached { "not reach" } else { "reach" }
        );
        Ok(())
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
