//! The books of a release's services: what became of every span that they made.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, ensure};
use kube::api::LogParams;

use super::{Forward, PodState, Recorder, Release};
use crate::accounting::Spans;
use crate::wait;

const SERVICES: [(&str, u16); 2] = [("gateway", 8081), ("hello", 8091)];
/// How long spans may take out of the services after an outage, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);
/// What a service logs when it has lost some.
const WARNING: &str = "spans were dropped";

/// What each pod of the services says became of its spans.
#[derive(Clone, Debug)]
pub struct Account {
    /// The figures of each pod: of those that run, from `/metrics`; of those that
    /// have ended, from their last log line.
    pub pods: BTreeMap<String, Spans>,
}

impl Account {
    /// Reads it once no request is under way: waits until no pod is ending, and no
    /// span on the way.
    ///
    /// # Errors
    /// When that takes too long, or a pod leaves no figures.
    pub async fn close(release: &Release, recorder: &Recorder) -> Result<Self> {
        let mut pods = BTreeMap::new();
        for (service, admin) in SERVICES {
            for pod in running(release, service).await? {
                pods.insert(pod.name.clone(), settled(release, &pod, admin).await?);
            }
        }
        let mut ended = recorder.pods();
        ended.retain(|pod| !pods.contains_key(pod));
        pods.extend(recorder.last_words(&ended).await?);
        Ok(Self { pods })
    }

    /// Holds that each pod accounts for every span: it has arrived, or was lost for a
    /// reason that the pod says.
    ///
    /// # Errors
    /// Which pod does not, with its figures.
    pub fn hold(&self) -> Result<()> {
        for (pod, spans) in &self.pods {
            ensure!(
                spans.is_exact() && spans.on_the_way() == 0,
                "{pod} must account for every span: {spans}"
            );
        }
        Ok(())
    }

    /// Holds that no pod has lost a span.
    ///
    /// # Errors
    /// Which pod has, with its figures.
    pub fn hold_no_loss(&self) -> Result<()> {
        for (pod, spans) in &self.pods {
            ensure!(spans.lost() == 0, "{pod} must not lose a span: {spans}");
        }
        Ok(())
    }

    /// Holds that each pod which has lost spans has also said so in its log. All of
    /// them must be running.
    ///
    /// # Errors
    /// Which pod has not.
    pub async fn hold_warned(&self, release: &Release) -> Result<()> {
        for (pod, spans) in &self.pods {
            let pods = release.namespace.pods();
            let log = pods.logs(pod, &LogParams::default()).await?;
            let says = log.contains(WARNING);
            ensure!(
                says == (spans.lost() > 0),
                "{pod} must log {WARNING:?} when it loses spans, and only then: {spans}"
            );
        }
        Ok(())
    }

    /// All spans that the services made and their samplers kept.
    pub fn sampled(&self) -> u64 {
        self.pods.values().map(|spans| spans.sampled).sum()
    }

    /// All spans that the services have lost.
    pub fn lost(&self) -> u64 {
        self.pods.values().map(Spans::lost).sum()
    }

    /// Those lost for this reason.
    pub fn lost_by(&self, reason: &str) -> u64 {
        let lost = |spans: &Spans| spans.dropped.get(reason).copied().unwrap_or(0);
        self.pods.values().map(lost).sum()
    }

    /// All spans that the Collector has accepted.
    pub fn exported(&self) -> u64 {
        self.pods.values().map(|spans| spans.exported).sum()
    }
}

impl Release {
    /// Waits until each service has lost spans for each of these reasons, in one pod at
    /// least: connections are kept, so a pod may have few requests.
    ///
    /// # Errors
    /// When one has not in time; with its figures.
    pub async fn wait_for_losses(&self, reasons: &[&str]) -> Result<()> {
        for (service, _) in SERVICES {
            let what = format!("{service} to lose spans by {reasons:?}");
            let lost = wait::until(&what, PATIENCE, async || {
                let pods = self.spans(service).await;
                let pods = pods.map_err(|error| format!("{error:#}"))?;
                let has = |reason: &&str| pods.iter().any(|it| it.dropped.contains_key(*reason));
                if reasons.iter().all(has) {
                    return Ok(());
                }
                let pods: Vec<_> = pods.iter().map(Spans::to_string).collect();
                Err(pods.join("; "))
            });
            lost.await?;
        }
        Ok(())
    }

    /// The figures of each pod of a service.
    async fn spans(&self, service: &str) -> Result<Vec<Spans>> {
        let texts = self.metrics(service).await?;
        texts.iter().map(|text| Spans::parse(text)).collect()
    }
}

/// The pods of a service, once none is ending; none has lost its log by a restart.
async fn running(release: &Release, service: &str) -> Result<Vec<PodState>> {
    let part = release.part(service);
    let what = format!("all pods of {service} to be ready");
    let pods = wait::until(&what, PATIENCE, async || {
        let pods = release.namespace.pods_of(part).await;
        let pods = pods.map_err(|error| format!("{error:#}"))?;
        if pods.iter().all(|pod| pod.ready) {
            return Ok(pods);
        }
        Err(format!("{pods:?}"))
    });
    let pods = pods.await?;
    for pod in &pods {
        ensure!(pod.restarts == 0, "{service} must not crash: {pod:?}");
    }
    Ok(pods)
}

/// The figures of a pod, once nothing is on the way.
async fn settled(release: &Release, pod: &PodState, admin: u16) -> Result<Spans> {
    let forward = Forward::to_pod(&release.namespace, &pod.name, admin).await?;
    let what = format!("{} to have exported all its spans", pod.name);
    wait::until(&what, PATIENCE, async || {
        match Spans::of(&forward.url()).await {
            Ok(spans) if spans.on_the_way() == 0 => Ok(spans),
            Ok(spans) => Err(spans.to_string()),
            Err(error) => Err(format!("{error:#}")),
        }
    })
    .await
}
