//! Which ports a pod can reach.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::ResourceExt;
use kube::api::{DeleteParams, LogParams, PostParams};
use serde_json::{Value, json};

use super::{Namespace, Release};
use crate::wait;

/// Each tries twice, with 10 seconds between, and what cannot be reached takes as long.
const PATIENCE: Duration = Duration::from_mins(2);

/// A way from one pod to a port of a Service.
#[derive(Clone, Copy, Debug)]
pub struct Edge<'a> {
    /// The Service's name without the release's, as `gateway-admin`.
    pub to: &'a str,
    /// Its port, which must speak HTTP.
    pub port: u16,
    /// Whether it must be open.
    pub open: bool,
}

impl Release {
    /// Tries edges from a pod with the labels of a part, or of a stranger with none.
    /// The pod has the image of the trace test, whose client says whether a server
    /// has answered. What its second run says counts: a CNI closes the edges of a
    /// new pod a moment after it has started.
    ///
    /// # Errors
    /// When one is open that must be closed, or the other way round.
    pub async fn hold_edges(&self, from: Option<&str>, edges: &[Edge<'_>]) -> Result<()> {
        let pods = self.namespace.pods();
        let pod = self.probe(from, edges).await?;
        let name = pods.create(&PostParams::default(), &pod).await?.name_any();
        let ended = self.namespace.wait_for_second_end(&name).await;
        let mut said = Vec::new();
        for edge in edges {
            let parameters = LogParams {
                container: Some(container(edge)),
                ..LogParams::default()
            };
            said.push(pods.logs(&name, &parameters).await?);
        }
        pods.delete(&name, &DeleteParams::default()).await?;
        ended?;
        let from = from.unwrap_or("a stranger");
        for (edge, said) in edges.iter().zip(said) {
            let is_open = !said.contains("cannot reach");
            let must = if edge.open {
                "must reach"
            } else {
                "must not reach"
            };
            ensure!(
                is_open == edge.open,
                "{from} {must} {}:{}: {said}",
                edge.to,
                edge.port
            );
        }
        Ok(())
    }

    async fn probe(&self, from: Option<&str>, edges: &[Edge<'_>]) -> Result<Pod> {
        let image = self.test_image().await?;
        let containers: Vec<Value> = edges
            .iter()
            .map(|edge| {
                let url = format!("http://{}:{}", self.object(edge.to), edge.port);
                json!({
                    "name": container(edge),
                    "image": image,
                    "args": ["show", "--timeout", "1s", "--jaeger", url, "4bf92f3577b34da6a3ce929d0e0e4736"],
                    "securityContext": {
                        "allowPrivilegeEscalation": false,
                        "capabilities": {"drop": ["ALL"]},
                    },
                })
            })
            .collect();
        let labels = from.map(|part| {
            json!({
                "app.kubernetes.io/name": part,
                "app.kubernetes.io/instance": self.name,
                "app.kubernetes.io/part-of": "onetrace",
            })
        });
        Ok(serde_json::from_value(json!({
            "metadata": {"generateName": "probe-", "labels": labels},
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
    /// Waits until all containers of a pod have ended a second time.
    async fn wait_for_second_end(&self, pod: &str) -> Result<()> {
        let what = format!("the second end of all containers of {pod}");
        let ended = wait::until(&what, PATIENCE, async || {
            let state = self
                .pods()
                .get(pod)
                .await
                .map_err(|error| error.to_string())?;
            let status = state.status.unwrap_or_default();
            let containers = status.container_statuses.unwrap_or_default();
            let runs = containers.iter().map(runs_ended);
            match runs.min() {
                Some(2..) => Ok(()),
                _ => Err(format!(
                    "{:?}",
                    containers.iter().map(runs_ended).collect::<Vec<_>>()
                )),
            }
        });
        ended.await.context("trying edges")
    }
}

/// How often a container has ended, while it does not run.
fn runs_ended(container: &ContainerStatus) -> i32 {
    let state = container.state.as_ref();
    let ended = state.is_some_and(|state| state.terminated.is_some());
    let waits = state.is_some_and(|state| state.waiting.is_some());
    match (ended, waits) {
        (true, _) => container.restart_count + 1,
        // For the next run; at first, for its image.
        (_, true)
            if container
                .last_state
                .as_ref()
                .is_some_and(|it| it.terminated.is_some()) =>
        {
            container.restart_count + 1
        }
        _ => 0,
    }
}

fn container(edge: &Edge<'_>) -> String {
    format!("{}-{}", edge.to, edge.port)
}
