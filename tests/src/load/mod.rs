//! Load on a URL, bounded in number or in time: over kept-alive connections,
//! as fast as requests are answered or at a steady rate.

mod connection;
mod plan;
mod report;
#[cfg(test)]
mod tests;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use http::{HeaderName, HeaderValue};
use tokio::task::JoinSet;
use url::Url;

use plan::Plan;

pub use report::{Failure, FailureKind, Report};

/// The pace of requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// Each connection sends the next request when the last one is answered.
    Closed,
    /// So many requests a second, whatever the answers. The latency of a request
    /// that has to wait for a connection counts from when it was due.
    PerSecond(f64),
}

/// When load ends, if it is not stopped before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// After so many requests.
    Requests(u64),
    /// After so long.
    Elapsed(Duration),
}

/// Load to be put on a URL. Each request has a sampled `traceparent` of its own.
#[derive(Clone, Debug)]
pub struct Load {
    target: Target,
    connections: usize,
    pace: Pace,
    until: Until,
    expected: u16,
    timeout: Duration,
}

/// Where requests go and what they carry.
#[derive(Clone, Debug)]
struct Target {
    authority: String,
    path: String,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Load {
    /// `GET url`, on eight connections, as fast as it is answered, 1,000 times.
    ///
    /// # Errors
    /// When `url` is no `http://` URL.
    pub fn get(url: &str) -> Result<Self> {
        let parsed = Url::parse(url).with_context(|| format!("{url} is no URL"))?;
        let host = parsed.host_str().filter(|_| parsed.scheme() == "http");
        let host = host.with_context(|| format!("{url} must begin with http:// and a host"))?;
        let port = parsed.port_or_known_default().unwrap_or(80);
        let path = parsed[url::Position::BeforePath..url::Position::AfterQuery].to_owned();
        Ok(Self {
            target: Target {
                authority: format!("{host}:{port}"),
                path,
                headers: Vec::new(),
            },
            connections: 8,
            pace: Pace::Closed,
            until: Until::Requests(1000),
            expected: 200,
            timeout: Duration::from_secs(10),
        })
    }

    /// On so many connections, at least one.
    pub fn connections(self, connections: usize) -> Self {
        Self {
            connections: connections.max(1),
            ..self
        }
    }

    /// At this pace.
    pub fn pace(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    /// Until then.
    pub fn until(self, until: Until) -> Self {
        Self { until, ..self }
    }

    /// The status that answers must have; 200 unless told.
    pub fn expect_status(self, expected: u16) -> Self {
        Self { expected, ..self }
    }

    /// How long one answer may take; 10 seconds unless told.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Adds a header to every request.
    ///
    /// # Panics
    /// When it is no valid header.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("a valid header value");
        let header = (HeaderName::from_static(name), value);
        self.target.headers.push(header);
        self
    }

    /// Starts it in the background.
    pub fn start(self) -> Running {
        self.allowed(u64::MAX)
    }

    /// Starts it in the background, to send what [`Running::step`] asks for until it is stopped.
    pub fn in_steps(self) -> Running {
        self.until(Until::Requests(u64::MAX)).allowed(0)
    }

    fn allowed(self, requests: u64) -> Running {
        let plan = Arc::new(Plan::new(self.pace, self.until, requests));
        let load = Arc::new(self);
        let mut workers = JoinSet::new();
        for _ in 0..load.connections {
            workers.spawn(worker::run(Arc::clone(&load), Arc::clone(&plan)));
        }
        Running { plan, workers }
    }

    /// Puts it on and waits until it ends.
    pub async fn run(self) -> Report {
        self.start().end().await
    }
}

/// Load that is being put on. Dropped, it ends at once.
#[derive(Debug)]
pub struct Running {
    plan: Arc<Plan>,
    workers: JoinSet<Report>,
}

impl Running {
    /// How many requests have been answered or have failed so far.
    pub fn done(&self) -> u64 {
        self.plan.done()
    }

    /// How many requests have found nobody who accepts a connection, so far.
    pub fn refused(&self) -> u64 {
        self.plan.refused()
    }

    /// Waits until so many requests are done, or the load has ended.
    ///
    /// # Errors
    /// When they are not done within `bound`.
    pub async fn wait_for(&self, requests: u64, bound: Duration) -> Result<()> {
        let what = format!("{requests} requests of the load");
        crate::wait::until(&what, bound, async || match self.done() {
            done if done >= requests => Ok(()),
            done => Err(done),
        })
        .await
    }

    /// Has so many more requests sent, on the connections that there are, and waits
    /// for their answers.
    ///
    /// # Errors
    /// When they are not done within `bound`.
    pub async fn step(&self, requests: u64, bound: Duration) -> Result<()> {
        let all = self.plan.allow(requests);
        self.wait_for(all, bound).await
    }

    /// Sends nothing new, and waits for the answers that are due.
    pub async fn stop(self) -> Report {
        self.plan.stop();
        self.end().await
    }

    /// Waits until it ends as planned.
    ///
    /// # Panics
    /// When a worker has panicked.
    pub async fn end(mut self) -> Report {
        let mut report = Report::default();
        while let Some(worker) = self.workers.join_next().await {
            report.add(worker.expect("a worker of the load panicked"));
        }
        report.finish(self.plan.elapsed());
        report
    }
}
