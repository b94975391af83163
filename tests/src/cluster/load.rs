//! A release under steady load, and what became of its requests and spans.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::api::core::v1::{Node, Service};
use kube::Api;
use kube::api::ListParams;

use super::accounting::Accounting;
use super::release::Release;
use super::service_logs::ServiceLogs;
use super::stored_traces::wait_for_complete_traces;
use crate::load::{Load, Pace, Report, Running, Until};
use crate::wait;

/// Requests per second. A restart takes many seconds, so requests arrive in every phase.
const RATE: f64 = 40.0;
const CONNECTIONS: usize = 8;
/// More than the timeouts of both internal calls in `k8s/values-e2e.yaml` together.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);
/// The load ends after this time in any case.
const MAX_DURATION: Duration = Duration::from_mins(4);
/// Requests before the action, and after it.
const REQUESTS: u64 = 80;
const REQUESTS_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the gateway may take to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// The result of a load.
#[derive(Debug)]
pub struct LoadResult {
    /// What became of the requests.
    pub requests: Report,
    /// What became of the spans.
    pub accounting: Accounting,
}

impl Release {
    /// Runs `action` under steady load on the gateway. Ensures that no request has failed and
    /// that the services account for every span; spans may be lost. The release must come
    /// from `install_for_load` and must not have served requests before.
    ///
    /// # Errors
    /// If `action` fails, or one of these conditions is not met.
    pub async fn run_under_load(
        &self,
        action: impl AsyncFnOnce() -> Result<()>,
    ) -> Result<LoadResult> {
        let logs = ServiceLogs::follow(self);
        let load = self.start_load().await?;
        let result = action().await;
        let continued = load.wait_for(load.completed() + REQUESTS, REQUESTS_TIMEOUT);
        let result = result.and(continued.await);
        let requests = load.stop().await;
        result.with_context(|| format!("under load: {requests}"))?;
        ensure!(requests.failed() == 0, "no request may fail: {requests}");
        LoadResult::read(self, requests, &logs).await
    }

    /// Like [`Release::run_under_load`]. Also ensures that no service has lost a span, and
    /// that all spans are in Jaeger, in complete traces.
    ///
    /// # Errors
    /// If `action` fails, or one of these conditions is not met.
    pub async fn run_without_loss(
        &self,
        action: impl AsyncFnOnce() -> Result<()>,
    ) -> Result<LoadResult> {
        let result = self.run_under_load(action).await?;
        result.ensure_no_loss(self).await?;
        Ok(result)
    }

    /// Like [`Release::run_without_loss`], for an `action` that stops the gateway. The load
    /// ends when the gateway refuses connections. Only requests on connections that the
    /// gateway has accepted must not fail.
    ///
    /// # Errors
    /// If `action` fails, or one of these conditions is not met.
    pub async fn run_until_stopped(
        &self,
        action: impl AsyncFnOnce() -> Result<()>,
    ) -> Result<LoadResult> {
        let logs = ServiceLogs::follow(self);
        let load = self.start_load().await?;
        let result = action().await;
        let refused = wait::until(
            "the gateway to refuse connections",
            STOP_TIMEOUT,
            async || match load.refused() {
                0 => bail!("{} requests done", load.completed()),
                _ => Ok(()),
            },
        );
        let result = result.and(refused.await);
        let requests = load.stop().await;
        result.with_context(|| format!("under load: {requests}"))?;
        ensure!(
            requests.failed_after_accept() == 0,
            "no request on an accepted connection may fail: {requests}"
        );
        let result = LoadResult::read(self, requests, &logs).await?;
        result.ensure_no_loss(self).await?;
        Ok(result)
    }

    async fn start_load(&self) -> Result<Running> {
        let load = Load::get(&self.node_url("/hello").await?)?
            .connections(CONNECTIONS)
            .timeout(RESPONSE_TIMEOUT)
            .header("user-agent", "load")
            .pace(Pace::PerSecond(RATE))
            .until(Until::Elapsed(MAX_DURATION))
            .start();
        load.wait_for(REQUESTS, REQUESTS_TIMEOUT).await?;
        Ok(load)
    }

    /// A URL of the gateway at its node port, on a node that no test drains.
    async fn node_url(&self, path: &str) -> Result<String> {
        let client = self.namespace.cluster.client();
        let services: Api<Service> = Api::namespaced(client.clone(), &self.namespace.name);
        let service = services.get(&self.object_name("gateway")).await?;
        let ports = service.spec.and_then(|spec| spec.ports).unwrap_or_default();
        let port = ports.into_iter().find_map(|port| port.node_port);
        let port = port.context("the gateway's Service has no node port")?;
        let control_plane = ListParams::default().labels("node-role.kubernetes.io/control-plane");
        let nodes = Api::<Node>::all(client).list(&control_plane).await?;
        let addresses = nodes.into_iter().filter_map(|node| node.status?.addresses);
        let mut addresses = addresses.flatten();
        let address = addresses.find(|address| address.type_ == "InternalIP");
        let address = address.context("the control plane has no internal address")?;
        Ok(format!("http://{}:{port}{path}", address.address))
    }
}

impl LoadResult {
    async fn read(release: &Release, requests: Report, logs: &ServiceLogs) -> Result<Self> {
        let accounting = Accounting::read(release, logs).await?;
        accounting.ensure_complete()?;
        Ok(Self {
            requests,
            accounting,
        })
    }

    async fn ensure_no_loss(&self, release: &Release) -> Result<()> {
        let accounting = &self.accounting;
        accounting.ensure_no_loss()?;
        let (jaeger, exported) = (release.jaeger()?, accounting.exported());
        let stored = wait_for_complete_traces(&jaeger, &self.requests.traces, exported).await;
        stored.with_context(|| format!("{accounting:?}"))
    }
}
