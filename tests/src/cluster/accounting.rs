//! Accounting for the spans of a release's services: exported, or dropped for a reason.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, ensure};
use kube::api::LogParams;

use super::pods::PodState;
use super::release::{Release, SERVICES};
use super::service_logs::ServiceLogs;
use crate::accounting::SpanCounts;
use crate::wait;

/// How long services may take to export their spans after an outage, on a busy machine.
const TIMEOUT: Duration = Duration::from_mins(2);
/// What a service logs when it has dropped spans.
const WARNING: &str = "spans were dropped";

/// The span counts of all pods of the services.
#[derive(Clone, Debug)]
pub struct Accounting {
    /// The counts of each pod, by its name. Those of a running pod are from `/metrics`, those
    /// of a pod that has ended are from its last log line.
    pub pods: BTreeMap<String, SpanCounts>,
}

impl Accounting {
    /// Reads the counts after the last request has completed. Waits until no pod is
    /// terminating and no span is waiting to be exported.
    ///
    /// # Errors
    /// If that takes longer than a few minutes, or the counts of a pod are missing.
    pub(super) async fn read(release: &Release, logs: &ServiceLogs) -> Result<Self> {
        let mut pods = BTreeMap::new();
        for service in SERVICES {
            let what = format!("all pods of {service} to be ready");
            let all_ready = |pods: &[PodState]| pods.iter().all(|pod| pod.ready);
            for pod in release.wait_for_pods(service, &what, all_ready).await? {
                // A restart would have reset its counters.
                ensure!(pod.restarts == 0, "{service} must not crash: {pod:?}");
                let counts = counts_of_running_pod(release, service, &pod).await?;
                pods.insert(pod.name, counts);
            }
        }
        let mut ended = logs.pods();
        ended.retain(|pod| !pods.contains_key(pod));
        for pod in ended {
            let counts = logs.final_counts(&pod).await?;
            pods.insert(pod, counts);
        }
        Ok(Self { pods })
    }

    /// Ensures that each pod accounts for every span: it was exported, or it was dropped for
    /// a reason that the pod reports.
    ///
    /// # Errors
    /// The first pod that does not, with its counts.
    pub fn ensure_complete(&self) -> Result<()> {
        for (pod, spans) in &self.pods {
            ensure!(
                spans.adds_up() && spans.pending() == 0,
                "{pod} must account for every span: {spans}"
            );
        }
        Ok(())
    }

    /// Ensures that no pod has lost a span.
    ///
    /// # Errors
    /// The first pod that has, with its counts.
    pub fn ensure_no_loss(&self) -> Result<()> {
        for (pod, spans) in &self.pods {
            ensure!(spans.lost() == 0, "{pod} must not lose a span: {spans}");
        }
        Ok(())
    }

    /// Ensures that a pod has logged a warning if and only if it has lost spans. All pods
    /// must still exist.
    ///
    /// # Errors
    /// The first pod that has not, with its counts.
    pub async fn ensure_losses_are_logged(&self, release: &Release) -> Result<()> {
        let pods = release.namespace.pod_api();
        for (pod, spans) in &self.pods {
            let log = pods.logs(pod, &LogParams::default()).await?;
            ensure!(
                log.contains(WARNING) == (spans.lost() > 0),
                "{pod} must log {WARNING:?} if and only if it has lost spans: {spans}"
            );
        }
        Ok(())
    }

    /// Sampled spans of all pods.
    pub fn sampled(&self) -> u64 {
        self.pods.values().map(|spans| spans.sampled).sum()
    }

    /// Exported spans of all pods: the Collectors have accepted them.
    pub fn exported(&self) -> u64 {
        self.pods.values().map(|spans| spans.exported).sum()
    }

    /// Lost spans of all pods.
    pub fn lost(&self) -> u64 {
        self.pods.values().map(SpanCounts::lost).sum()
    }

    /// Spans of all pods that were lost for this reason.
    pub fn lost_by(&self, reason: &str) -> u64 {
        let lost = |spans: &SpanCounts| spans.dropped.get(reason).copied().unwrap_or(0);
        self.pods.values().map(lost).sum()
    }
}

impl Release {
    /// Waits until each service has lost spans for each of these reasons. One pod of a service
    /// is enough: clients keep their connections, so a pod may receive few requests.
    ///
    /// # Errors
    /// If that takes longer than two minutes; with the last counts.
    pub async fn wait_for_losses(&self, reasons: &[&str]) -> Result<()> {
        for service in SERVICES {
            let what = format!("{service} to lose spans by each of {reasons:?}");
            wait::until(&what, TIMEOUT, async || {
                let texts = self.metrics(service).await?;
                let pods: Result<Vec<_>> = texts
                    .iter()
                    .map(|it| SpanCounts::from_prometheus(it))
                    .collect();
                let pods = pods?;
                let occurred = |reason| pods.iter().any(|it| it.dropped.contains_key(reason));
                ensure!(reasons.iter().all(|reason| occurred(*reason)), "{pods:?}");
                Ok(())
            })
            .await?;
        }
        Ok(())
    }
}

async fn counts_of_running_pod(
    release: &Release,
    service: &str,
    pod: &PodState,
) -> Result<SpanCounts> {
    let forward = release.forward_admin(service, pod).await?;
    let what = format!("{} to have exported all its spans", pod.name);
    wait::until(&what, TIMEOUT, async || {
        let spans = SpanCounts::fetch(&forward.url()).await?;
        ensure!(spans.pending() == 0, "{spans}");
        Ok(spans)
    })
    .await
}
