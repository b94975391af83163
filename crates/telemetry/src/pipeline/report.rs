//! Logs that spans were dropped or cannot be exported: the first time
//! immediately, then at most once per minute.

use std::time::{Duration, Instant};

use super::accounting::Accounting;

const INTERVAL: Duration = Duration::from_mins(1);

/// The reporter of one pipeline. It logs with `tracing` on the exporting thread,
/// where telemetry is suppressed, so its lines create no spans.
pub(super) struct Reporter {
    endpoint: String,
    lost: u64,
    loss_logged_at: Option<Instant>,
    failure_logged_at: Option<Instant>,
}

impl Reporter {
    /// `endpoint` is logged; it must not contain credentials.
    pub(super) fn new(endpoint: String) -> Self {
        Self {
            endpoint,
            lost: 0,
            loss_logged_at: None,
            failure_logged_at: None,
        }
    }

    /// Logs all counts if spans were dropped since the last time.
    pub(super) fn report(&mut self, accounting: &Accounting) {
        let counts = accounting.snapshot();
        if counts.lost() > self.lost && due(&mut self.loss_logged_at) {
            let since_last = counts.lost() - self.lost;
            self.lost = counts.lost();
            tracing::warn!(endpoint = self.endpoint, dropped_since_last = since_last, spans = %counts, "spans were dropped");
        }
    }

    /// An attempt failed and will be retried.
    pub(super) fn unavailable(&mut self, error: &str) {
        if due(&mut self.failure_logged_at) {
            tracing::warn!(
                endpoint = self.endpoint,
                error,
                "the Collector cannot be reached; spans wait in the queue. Check OTEL_EXPORTER_OTLP_ENDPOINT and the Collector"
            );
        }
    }

    /// The Collector rejected spans.
    pub(super) fn rejected(&mut self, spans: u64, error: &str) {
        if due(&mut self.failure_logged_at) {
            tracing::warn!(
                endpoint = self.endpoint,
                error,
                spans,
                "the Collector rejected spans; they are dropped. Check OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS and the Collector's log"
            );
        }
    }
}

fn due(logged_at: &mut Option<Instant>) -> bool {
    let due = logged_at.is_none_or(|at| at.elapsed() >= INTERVAL);
    if due {
        *logged_at = Some(Instant::now());
    }
    due
}
