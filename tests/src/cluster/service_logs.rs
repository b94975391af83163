//! The logs of a release's services, which remain available after their pods are deleted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::{AsyncBufReadExt, TryStreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{ListParams, LogParams};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::namespace::Namespace;
use super::release::Release;
use crate::accounting::SpanCounts;
use crate::wait;

/// How often new pods are looked for. A pod's log is always read from its beginning.
const INTERVAL: Duration = Duration::from_millis(200);
const TIMEOUT: Duration = Duration::from_mins(1);
/// Lines that an error shows.
const LAST_LINES: usize = 20;

/// Follows the logs of all pods of a release's services until it is dropped.
pub(super) struct ServiceLogs {
    lines: LinesByPod,
    /// Aborted when it is dropped.
    _task: JoinSet<()>,
}

/// The lines of each pod, by its name.
type LinesByPod = Arc<Mutex<BTreeMap<String, Vec<String>>>>;

impl ServiceLogs {
    /// Starts with the pods that exist, and adds new ones as they appear.
    pub(super) fn follow(release: &Release) -> Self {
        let lines = LinesByPod::default();
        let services = ListParams::default().labels(&format!(
            "app.kubernetes.io/component=service,app.kubernetes.io/instance={}",
            release.name
        ));
        let mut task = JoinSet::new();
        task.spawn(follow_all(
            release.namespace.clone(),
            services,
            lines.clone(),
        ));
        Self { lines, _task: task }
    }

    /// The names of all pods that have existed.
    pub(super) fn pods(&self) -> Vec<String> {
        lock(&self.lines).keys().cloned().collect()
    }

    /// Waits until a pod has ended, and returns the span counts of its last log line.
    pub(super) async fn final_counts(&self, pod: &str) -> Result<SpanCounts> {
        let what = format!("the final span counts in the log of {pod}");
        wait::until(&what, TIMEOUT, async || {
            let lines = lock(&self.lines).get(pod).cloned().unwrap_or_default();
            let end = &lines[lines.len().saturating_sub(LAST_LINES)..];
            final_counts(&lines).with_context(|| format!("the log ends with\n{}", end.join("\n")))
        })
        .await
    }
}

fn final_counts(lines: &[String]) -> Result<SpanCounts> {
    let last = lines.last().context("the log is empty")?;
    let last = serde_json::from_str(last).context("the last line is not JSON")?;
    SpanCounts::from_final_log(&last)
}

async fn follow_all(namespace: Namespace, services: ListParams, lines: LinesByPod) {
    let mut following = JoinSet::new();
    loop {
        // When the API returns an error, the next attempt finds the same pods.
        for pod in namespace.pods(&services).await.unwrap_or_default() {
            if !lock(&lines).contains_key(&pod.name) {
                lock(&lines).insert(pod.name.clone(), Vec::new());
                following.spawn(follow(namespace.pod_api(), pod.name, lines.clone()));
            }
        }
        sleep(INTERVAL).await;
    }
}

/// Reads a pod's log to its end. Starts again from the beginning of the log after an error:
/// the container has not started yet, or the stream was interrupted.
async fn follow(pods: Api<Pod>, pod: String, lines: LinesByPod) {
    loop {
        let result = read(&pods, &pod, &lines).await;
        if final_counts(&lock(&lines)[&pod]).is_ok() {
            return;
        }
        if let Err(error) = result {
            append(&lines, &pod, format!("reading the log: {error:#}"));
        }
        if matches!(pods.get_opt(&pod).await, Ok(None)) {
            return;
        }
        sleep(INTERVAL).await;
    }
}

async fn read(pods: &Api<Pod>, pod: &str, lines: &LinesByPod) -> Result<()> {
    let parameters = LogParams {
        follow: true,
        ..LogParams::default()
    };
    let mut stream = pods.log_stream(pod, &parameters).await?.lines();
    lock(lines).insert(pod.to_owned(), Vec::new());
    while let Some(line) = stream.try_next().await? {
        append(lines, pod, line);
    }
    Ok(())
}

fn append(lines: &LinesByPod, pod: &str, line: String) {
    lock(lines).entry(pod.to_owned()).or_default().push(line);
}

fn lock(lines: &LinesByPod) -> MutexGuard<'_, BTreeMap<String, Vec<String>>> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}
