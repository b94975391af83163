//! The books of a release: every span that a service made is one in Jaeger.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use tokio::task::JoinSet;
use trace_contract::{Contract, Expectation, Jaeger, Trace, TraceId};

use super::{Forward, PodState, Recorder, Release};
use crate::accounting::Spans;
use crate::{traced, wait};

const SERVICES: [(&str, u16); 2] = [("gateway", 8081), ("hello", 8091)];
/// The spans of `GET /hello`.
const SPANS: usize = 8;
/// How long spans may take into Jaeger after an outage, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);
/// Traces that are asked for at once.
const AT_ONCE: usize = 16;

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

    /// Holds that each pod accounts for every span, and has lost none.
    ///
    /// # Errors
    /// Which pod does not, with its figures.
    pub fn hold(&self) -> Result<()> {
        for (pod, spans) in &self.pods {
            ensure!(
                spans.is_exact() && spans.on_the_way() == 0,
                "{pod} must account for every span: {spans}"
            );
            ensure!(spans.lost() == 0, "{pod} must not lose a span: {spans}");
        }
        Ok(())
    }

    /// All spans that the Collector has accepted.
    pub fn exported(&self) -> u64 {
        self.pods.values().map(|spans| spans.exported).sum()
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

/// Waits until Jaeger has each of these traces of `GET /hello`, whole, and of all
/// together `spans` distinct ones. One whose call was tried again has more than
/// eight spans, and still one root and no orphan.
///
/// # Errors
/// When it has not in time; with what was last seen, and a trace that is not whole.
pub async fn whole(jaeger: &Jaeger, traces: &[TraceId], spans: u64) -> Result<()> {
    let contract = traced::load("hello")?;
    let mut counts = BTreeMap::new();
    let mut missing: BTreeSet<_> = traces.iter().copied().collect();
    let what = format!("{} whole traces of {spans} spans in Jaeger", traces.len());
    wait::until(&what, PATIENCE, async || {
        if missing.is_empty() {
            // A span too few or too many somewhere: look at all again.
            missing.extend(traces);
            counts.clear();
        }
        let found = fetch(jaeger, &missing)
            .await
            .map_err(|error| format!("{error:#}"))?;
        let mut broken = None;
        for (id, trace) in found {
            match judge(&contract, trace.as_ref()) {
                Ok(count) => {
                    missing.remove(&id);
                    counts.insert(id, count);
                }
                Err(why) => broken = Some(format!("{id}: {why}")),
            }
        }
        let sum: u64 = counts.values().sum();
        match broken {
            None if sum == spans => Ok(()),
            None => Err(format!("all whole, of {sum} spans")),
            Some(why) => Err(format!("{} not whole, such as {why}", missing.len())),
        }
    })
    .await
}

/// How many distinct spans a whole trace has; why it is not whole.
fn judge(contract: &Contract, trace: Option<&Trace>) -> Result<u64, String> {
    let trace = trace.ok_or("nothing of it")?;
    let count = trace.spans().len();
    if count == SPANS {
        let checked = contract.check(trace, &Expectation::default());
        checked.map_err(|mismatch| mismatch.to_string())?;
    } else {
        let tops = trace.tops().count();
        if count < SPANS || tops != 1 || !trace.conflicts().is_empty() {
            let shown = trace_contract::waterfall(trace);
            return Err(format!(
                "{count} spans, {tops} of them without a parent\n{shown}"
            ));
        }
    }
    Ok(count as u64)
}

async fn fetch(
    jaeger: &Jaeger,
    traces: &BTreeSet<TraceId>,
) -> Result<Vec<(TraceId, Option<Trace>)>> {
    let mut left = traces.iter().copied();
    let mut fetching = JoinSet::new();
    let mut found = Vec::with_capacity(traces.len());
    loop {
        while fetching.len() < AT_ONCE
            && let Some(id) = left.next()
        {
            let jaeger = jaeger.clone();
            fetching.spawn(async move { (id, jaeger.trace(id).await) });
        }
        let Some(fetched) = fetching.join_next().await else {
            return Ok(found);
        };
        match fetched? {
            (id, Ok(trace)) => found.push((id, trace)),
            (id, Err(error)) => bail!("{id}: {error}"),
        }
    }
}
