//! What the services' containers write, kept beyond the end of their pods.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::{AsyncBufReadExt, StreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{ListParams, LogParams};
use tokio::task::{JoinHandle, JoinSet};

use super::{Namespace, Release};
use crate::accounting::Spans;
use crate::judge;
use crate::wait;

/// How often new pods are looked for. One that lives for less is not missed: its
/// log is read from its beginning.
const EVERY: Duration = Duration::from_millis(200);
const LINES: usize = 20;
const PATIENCE: Duration = Duration::from_mins(1);

/// Follows the logs of all pods of a release's services, until it is dropped.
#[derive(Debug)]
pub struct Recorder {
    logs: Arc<Logs>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Logs(Mutex<BTreeMap<String, Log>>);

/// What is known of one pod's log.
#[derive(Clone, Debug, Default)]
struct Log {
    last: VecDeque<String>,
    /// The container has ended, and nothing follows.
    ended: bool,
    trouble: Option<String>,
}

impl Recorder {
    /// Begins with the pods that are there.
    pub fn start(release: &Release) -> Self {
        let logs = Arc::new(Logs::default());
        let selector = format!(
            "app.kubernetes.io/component=service,app.kubernetes.io/instance={}",
            release.name
        );
        let task = tokio::spawn(watch(
            release.namespace.clone(),
            selector,
            Arc::clone(&logs),
        ));
        Self { logs, task }
    }

    /// The figures in the last line of each of these pods, once they have ended.
    ///
    /// # Errors
    /// When one does not end in time, or its last line is another one.
    pub async fn last_words(&self, pods: &[String]) -> Result<BTreeMap<String, Spans>> {
        let mut words = BTreeMap::new();
        for pod in pods {
            let what = format!("the end of the log of {pod}");
            let log = wait::until(&what, PATIENCE, async || match self.logs.get(pod) {
                Some(log) if log.ended => Ok(log),
                Some(log) => Err(format!("{:?} {:?}", log.trouble, log.last.back())),
                None => Err("nothing of it".to_owned()),
            });
            let log = log.await?;
            let figures = figures(&log).with_context(|| log.shown(pod))?;
            words.insert(pod.clone(), figures);
        }
        Ok(words)
    }

    /// The names of all pods that were seen.
    pub fn pods(&self) -> Vec<String> {
        self.logs.lock().keys().cloned().collect()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Logs {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Log>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, pod: &str) -> Option<Log> {
        self.lock().get(pod).cloned()
    }

    fn change(&self, pod: &str, change: impl FnOnce(&mut Log)) {
        change(self.lock().entry(pod.to_owned()).or_default());
    }
}

impl Log {
    fn add(&mut self, line: String) {
        if self.last.len() == LINES {
            self.last.pop_front();
        }
        self.last.push_back(line);
    }

    fn shown(&self, pod: &str) -> String {
        let lines: Vec<_> = self.last.iter().map(String::as_str).collect();
        let trouble = self.trouble.as_deref().unwrap_or_default();
        format!("{pod} wrote last\n{}\n{trouble}", lines.join("\n"))
    }
}

fn figures(log: &Log) -> Result<Spans> {
    let last = log.last.back().context("it wrote nothing")?;
    let last = serde_json::from_str(last).context("its last line is no JSON")?;
    judge::figures(&last)
}

/// Follows every pod from when it is first seen.
async fn watch(namespace: Namespace, selector: String, logs: Arc<Logs>) {
    let parameters = ListParams::default().labels(&selector);
    // Dropped with the task, and with it all that follow.
    let mut following = JoinSet::new();
    loop {
        // A list that fails is asked for again.
        if let Ok(pods) = namespace.pods().list(&parameters).await {
            let names = pods.into_iter().filter_map(|pod| pod.metadata.name);
            for name in names {
                if logs.get(&name).is_none() {
                    logs.change(&name, |_| {});
                    following.spawn(follow(namespace.pods(), name, Arc::clone(&logs)));
                }
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Reads a pod's log to its end. What breaks off is read again from its beginning.
async fn follow(pods: Api<Pod>, pod: String, logs: Arc<Logs>) {
    loop {
        let trouble = read(&pods, &pod, &logs).await.err();
        let trouble = trouble.map(|error| error.to_string());
        let is_there = !matches!(pods.get_opt(&pod).await, Ok(None));
        logs.change(&pod, |log| {
            log.ended = figures(log).is_ok() || !is_there;
            log.trouble = trouble;
        });
        if logs.get(&pod).is_none_or(|log| log.ended) {
            return;
        }
        // Its container may not have started yet.
        tokio::time::sleep(EVERY).await;
    }
}

async fn read(pods: &Api<Pod>, pod: &str, logs: &Logs) -> Result<()> {
    let parameters = LogParams {
        follow: true,
        ..LogParams::default()
    };
    let mut lines = pods.log_stream(pod, &parameters).await?.lines();
    logs.change(pod, |log| log.last.clear());
    while let Some(line) = lines.next().await {
        let line = line?;
        logs.change(pod, |log| log.add(line));
    }
    Ok(())
}
