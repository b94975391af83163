//! Says when spans are lost or wait: at once the first time, then at most once a minute.

use std::time::{Duration, Instant};

use super::accounting::Accounting;

const EVERY: Duration = Duration::from_mins(1);

/// The reporter of one pipeline. Logs with `tracing`; it runs on the exporting
/// thread, where telemetry is suppressed, so its lines make no spans.
pub(super) struct Reporter {
    endpoint: String,
    lost: u64,
    last_loss: Option<Instant>,
    last_failure: Option<Instant>,
}

impl Reporter {
    /// `endpoint` is named in the lines; it must hold no credentials.
    pub(super) fn new(endpoint: String) -> Self {
        Self {
            endpoint,
            lost: 0,
            last_loss: None,
            last_failure: None,
        }
    }

    /// Spans were lost since the last line: say so, with all figures.
    pub(super) fn report(&mut self, accounting: &Accounting) {
        let counts = accounting.snapshot();
        if counts.lost() > self.lost && due(&mut self.last_loss) {
            let since_last = counts.lost() - self.lost;
            self.lost = counts.lost();
            tracing::warn!(endpoint = self.endpoint, dropped_since_last = since_last, spans = %counts, "spans were dropped");
        }
    }

    /// An attempt failed and will be repeated.
    pub(super) fn unavailable(&mut self, error: &str) {
        if due(&mut self.last_failure) {
            tracing::warn!(
                endpoint = self.endpoint,
                error,
                "the Collector cannot be reached; spans wait in the queue. Check OTEL_EXPORTER_OTLP_ENDPOINT and the Collector"
            );
        }
    }

    /// The Collector will not have these spans.
    pub(super) fn refused(&mut self, spans: u64, error: &str) {
        if due(&mut self.last_failure) {
            tracing::warn!(
                endpoint = self.endpoint,
                error,
                spans,
                "the Collector refused spans; they are dropped. Check OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS and the Collector's log"
            );
        }
    }
}

fn due(last: &mut Option<Instant>) -> bool {
    let due = last.is_none_or(|last| last.elapsed() >= EVERY);
    if due {
        *last = Some(Instant::now());
    }
    due
}
