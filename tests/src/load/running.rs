//! A load in progress.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::task::JoinSet;

use super::plan::Plan;
use super::report::Report;
use super::target::Target;
use super::worker;
use crate::wait;

/// A load in progress. It is aborted when this is dropped.
#[derive(Debug)]
pub struct Running {
    plan: Arc<Plan>,
    workers: JoinSet<Report>,
}

impl Running {
    pub(super) fn start(target: Target, connections: usize, plan: Plan) -> Self {
        let (target, plan) = (Arc::new(target), Arc::new(plan));
        let mut workers = JoinSet::new();
        for _ in 0..connections {
            workers.spawn(worker::run(Arc::clone(&target), Arc::clone(&plan)));
        }
        Self { plan, workers }
    }

    /// How many requests have succeeded or failed so far.
    pub fn completed(&self) -> u64 {
        self.plan.completed()
    }

    /// How many requests have failed so far because the connection was refused.
    pub fn refused(&self) -> u64 {
        self.plan.refused()
    }

    /// Waits until this number of requests is completed.
    ///
    /// # Errors
    /// If fewer are completed within `timeout`.
    pub async fn wait_for(&self, requests: u64, timeout: Duration) -> Result<()> {
        let what = format!("{requests} requests of the load");
        wait::until(&what, timeout, async || match self.completed() {
            completed if completed >= requests => Ok(()),
            completed => Err(completed),
        })
        .await
    }

    /// Sends this number of further requests, on the open connections, and waits until they
    /// are completed. For loads of [`Load::start_in_steps`](super::Load::start_in_steps).
    ///
    /// # Errors
    /// If they are not completed within `timeout`.
    pub async fn step(&self, requests: u64, timeout: Duration) -> Result<()> {
        let all = self.plan.allow(requests);
        self.wait_for(all, timeout).await
    }

    /// Sends no more requests, and waits for those in flight.
    pub async fn stop(self) -> Report {
        self.plan.stop();
        self.end().await
    }

    /// Waits until it ends as planned.
    ///
    /// # Panics
    /// If a worker has panicked.
    pub async fn end(mut self) -> Report {
        let mut report = Report::default();
        while let Some(worker) = self.workers.join_next().await {
            report.add(worker.expect("a worker of the load panicked"));
        }
        report.finish(self.plan.elapsed());
        report
    }
}
