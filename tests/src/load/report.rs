//! The results of a load.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use trace_contract::TraceId;

/// How many failures are kept with their texts; all are counted.
const MAX_TEXTS: usize = 20;

/// How a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureKind {
    /// No connection was accepted.
    Refused,
    /// It was sent on an accepted connection, but no complete response was received.
    NoResponse,
    /// The response had this status instead of 200.
    Status(u16),
    /// There was no response in time.
    TimedOut,
}

/// The results of a load.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The traces of the requests that succeeded.
    pub traces: Vec<TraceId>,
    /// Connections that were replaced because the server had closed them between requests.
    pub(super) reconnects: u64,
    /// The time from the first request to the last response.
    pub(super) elapsed: Duration,
    latencies: Vec<Duration>,
    failed: BTreeMap<FailureKind, u64>,
    failures: Vec<(FailureKind, String)>,
}

impl Report {
    /// How many requests succeeded.
    pub fn succeeded(&self) -> u64 {
        self.latencies.len() as u64
    }

    /// How many requests failed.
    pub fn failed(&self) -> u64 {
        self.failed.values().sum()
    }

    /// How many requests failed in this way.
    pub fn failed_by(&self, kind: FailureKind) -> u64 {
        self.failed.get(&kind).copied().unwrap_or(0)
    }

    /// How many requests failed after the server had accepted a connection for them.
    pub fn failed_after_accept(&self) -> u64 {
        self.failed() - self.failed_by(FailureKind::Refused)
    }

    /// The median latency of the requests that succeeded; zero if none did.
    pub fn p50(&self) -> Duration {
        self.percentile(50)
    }

    /// The 99th percentile of the latencies; zero if no request succeeded.
    pub fn p99(&self) -> Duration {
        self.percentile(99)
    }

    /// By the nearest-rank method.
    fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.latencies.len() * percent).div_ceil(100);
        let latency = self.latencies.get(rank.saturating_sub(1));
        latency.copied().unwrap_or_default()
    }

    pub(super) fn add_success(&mut self, latency: Duration, trace: TraceId) {
        self.latencies.push(latency);
        self.traces.push(trace);
    }

    pub(super) fn add_failure(&mut self, kind: FailureKind, why: String) {
        *self.failed.entry(kind).or_default() += 1;
        if self.failures.len() < MAX_TEXTS {
            self.failures.push((kind, why));
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.reconnects += other.reconnects;
        self.traces.extend(other.traces);
        self.latencies.extend(other.latencies);
        self.failures.extend(other.failures);
        self.failures.truncate(MAX_TEXTS);
        for (kind, count) in other.failed {
            *self.failed.entry(kind).or_default() += count;
        }
    }

    pub(super) fn finish(&mut self, elapsed: Duration) {
        self.elapsed = elapsed;
        self.latencies.sort_unstable();
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} succeeded and {} failed in {:.2?} (p50 {:.2?}, p99 {:.2?})",
            self.succeeded(),
            self.failed(),
            self.elapsed,
            self.p50(),
            self.p99(),
        )?;
        for (kind, count) in &self.failed {
            write!(f, "\n  {count} × {kind}")?;
        }
        for (kind, why) in &self.failures {
            write!(f, "\n  {kind}: {why}")?;
        }
        Ok(())
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("connection refused"),
            Self::NoResponse => f.write_str("accepted, but no response"),
            Self::Status(status) => write!(f, "status {status}"),
            Self::TimedOut => f.write_str("timed out"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_nearest_rank() {
        let mut report = Report::default();
        for millis in (1..=200).rev() {
            report.add_success(Duration::from_millis(millis), TraceId::random());
        }
        report.finish(Duration::from_secs(2));
        assert_eq!(report.p50(), Duration::from_millis(100));
        assert_eq!(report.p99(), Duration::from_millis(198));
    }

    #[test]
    fn a_refused_connection_is_not_a_failure_after_accept() {
        let mut report = Report::default();
        report.add_failure(FailureKind::Refused, "no".to_owned());
        report.add_failure(FailureKind::Status(500), String::new());
        assert_eq!(report.failed(), 2);
        assert_eq!(report.failed_after_accept(), 1);
        assert!(report.to_string().contains("1 × status 500"), "{report}");
    }
}
