//! Configures and starts a load.

use std::time::Duration;

use anyhow::Result;
use http::{HeaderName, HeaderValue};

use super::plan::{Pace, Plan, Until};
use super::report::Report;
use super::running::Running;
use super::target::Target;

/// A load on a URL. Each request has a new, sampled `traceparent`.
#[derive(Clone, Debug)]
pub struct Load {
    target: Target,
    connections: usize,
    pace: Pace,
    until: Until,
}

impl Load {
    /// 1,000 times `GET url`, on eight connections, as fast as the server responds with 200.
    ///
    /// # Errors
    /// If `url` is not a valid `http://` URL.
    pub fn get(url: &str) -> Result<Self> {
        Ok(Self {
            target: Target::new(url)?,
            connections: 8,
            pace: Pace::AsFastAsPossible,
            until: Until::Requests(1000),
        })
    }

    /// The number of connections, at least one.
    pub fn connections(self, connections: usize) -> Self {
        Self {
            connections: connections.max(1),
            ..self
        }
    }

    /// The pace of requests.
    pub fn pace(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    /// When the load ends.
    pub fn until(self, until: Until) -> Self {
        Self { until, ..self }
    }

    /// The maximum duration of a request; 10 seconds by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.target.timeout = timeout;
        self
    }

    /// Adds a header to every request.
    ///
    /// # Panics
    /// If it is not a valid header.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("a valid header value");
        let header = (HeaderName::from_static(name), value);
        self.target.headers.push(header);
        self
    }

    /// Starts it in the background.
    pub fn start(self) -> Running {
        let plan = Plan::new(self.pace, self.until, u64::MAX);
        Running::start(self.target, self.connections, plan)
    }

    /// Starts it in the background. It sends only the requests of [`Running::step`], until it
    /// is stopped.
    pub fn start_in_steps(self) -> Running {
        let plan = Plan::new(self.pace, Until::Requests(u64::MAX), 0);
        Running::start(self.target, self.connections, plan)
    }

    /// Runs it to its end.
    pub async fn run(self) -> Report {
        self.start().end().await
    }
}
