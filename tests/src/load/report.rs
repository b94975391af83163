//! What load has shown.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use trace_contract::TraceId;

/// Failures that are kept with their texts; all are counted.
const KEPT: usize = 20;

/// How a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureKind {
    /// No connection could be made: nothing was accepted.
    Refused,
    /// It was sent on an accepted connection, and not answered in full.
    Unanswered,
    /// It was answered with a status that was not expected.
    Status(u16),
    /// It took longer than it may.
    TimedOut,
}

/// One request that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// How.
    pub kind: FailureKind,
    /// What the transport says about it.
    pub why: String,
}

/// What became of the requests of a load.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Connections that were replaced because they had been closed between requests.
    pub reconnects: u64,
    /// From the first request to the last answer.
    pub elapsed: Duration,
    /// The traces of the requests that were answered as expected.
    pub traces: Vec<TraceId>,
    failures: Vec<Failure>,
    failed: BTreeMap<FailureKind, u64>,
    latencies: Vec<Duration>,
}

impl Report {
    /// How many requests were answered as expected.
    pub fn answered(&self) -> u64 {
        self.latencies.len() as u64
    }

    /// How many were not.
    pub fn failed(&self) -> u64 {
        self.failed.values().sum()
    }

    /// How many failed so.
    pub fn failed_by(&self, kind: FailureKind) -> u64 {
        self.failed.get(&kind).copied().unwrap_or(0)
    }

    /// How many failed although a connection had been accepted for them.
    pub fn failed_when_accepted(&self) -> u64 {
        self.failed() - self.failed_by(FailureKind::Refused)
    }

    /// The first failures of each connection, 20 at most.
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// The latency that `share` of the answered requests did not exceed, from 0
    /// to 1; zero when none was answered.
    ///
    /// # Panics
    /// When `share` is not from 0 to 1.
    pub fn quantile(&self, share: f64) -> Duration {
        assert!((0.0..=1.0).contains(&share), "{share} is no share");
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a place among at most some millions"
        )]
        let place = (self.latencies.len() as f64 * share).ceil() as usize;
        let place = place.saturating_sub(1);
        self.latencies.get(place).copied().unwrap_or_default()
    }

    /// The median latency.
    pub fn p50(&self) -> Duration {
        self.quantile(0.5)
    }

    /// The latency that one in a hundred exceeds.
    pub fn p99(&self) -> Duration {
        self.quantile(0.99)
    }

    /// Answered requests a second.
    pub fn rate(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "exact for 2^53 requests")]
        let answered = self.answered() as f64;
        answered / self.elapsed.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    pub(super) fn request_answered(&mut self, latency: Duration, trace: TraceId) {
        self.latencies.push(latency);
        self.traces.push(trace);
    }

    pub(super) fn request_failed(&mut self, kind: FailureKind, why: String) {
        *self.failed.entry(kind).or_default() += 1;
        if self.failures.len() < KEPT {
            self.failures.push(Failure { kind, why });
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.reconnects += other.reconnects;
        self.traces.extend(other.traces);
        self.latencies.extend(other.latencies);
        self.failures.extend(other.failures);
        self.failures.truncate(KEPT);
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
            "{} answered in {:.2?} ({:.0}/s; p50 {:.2?}, p99 {:.2?}), {} failed",
            self.answered(),
            self.elapsed,
            self.rate(),
            self.p50(),
            self.p99(),
            self.failed()
        )?;
        for (kind, count) in &self.failed {
            write!(f, "\n  {count} {kind}")?;
        }
        for failure in &self.failures {
            write!(f, "\n  {}: {}", failure.kind, failure.why)?;
        }
        Ok(())
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("refused a connection"),
            Self::Unanswered => f.write_str("accepted and not answered"),
            Self::Status(status) => write!(f, "answered {status}"),
            Self::TimedOut => f.write_str("took too long"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_nearest_rank() {
        let mut report = Report::default();
        for millis in (1..=200).rev() {
            report.request_answered(Duration::from_millis(millis), TraceId::random());
        }
        report.finish(Duration::from_secs(2));
        assert_eq!(report.p50(), Duration::from_millis(100));
        assert_eq!(report.p99(), Duration::from_millis(198));
        assert_eq!(report.quantile(1.0), Duration::from_millis(200));
        assert!((report.rate() - 100.0).abs() < 1e-9, "{}", report.rate());
    }

    #[test]
    fn a_refused_connection_is_no_broken_promise() {
        let mut report = Report::default();
        report.request_failed(FailureKind::Refused, "no".to_owned());
        report.request_failed(FailureKind::Status(500), String::new());
        assert_eq!(report.failed(), 2);
        assert_eq!(report.failed_when_accepted(), 1);
        assert!(report.to_string().contains("1 answered 500"), "{report}");
    }
}
