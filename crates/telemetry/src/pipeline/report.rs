//! Logs that spans were dropped or cannot be exported: each kind of problem the
//! first time immediately, then at most once per minute.

use std::time::{Duration, Instant};

use super::accounting::Accounting;

const INTERVAL: Duration = Duration::from_mins(1);

/// The reporter of one pipeline. It logs with `tracing` on the exporting thread,
/// where telemetry is suppressed, so its lines create no spans.
pub(super) struct Reporter {
    endpoint: String,
    lost: u64,
    loss: RateLimit,
    unavailable: RateLimit,
    rejected: RateLimit,
    not_otlp: RateLimit,
    warning: RateLimit,
}

impl Reporter {
    /// `endpoint` is logged; it must not contain credentials.
    pub(super) fn new(endpoint: String) -> Self {
        Self {
            endpoint,
            lost: 0,
            loss: RateLimit::default(),
            unavailable: RateLimit::default(),
            rejected: RateLimit::default(),
            not_otlp: RateLimit::default(),
            warning: RateLimit::default(),
        }
    }

    /// Logs all counts if spans were dropped since the last time.
    pub(super) fn report(&mut self, accounting: &Accounting) {
        let counts = accounting.snapshot();
        if counts.lost() > self.lost && self.loss.is_due() {
            let since_last = counts.lost() - self.lost;
            self.lost = counts.lost();
            tracing::warn!(endpoint = self.endpoint, dropped_since_last = since_last, spans = %counts, "spans were dropped");
        }
    }

    /// An attempt failed and will be retried.
    pub(super) fn unavailable(&mut self, error: &str) {
        if self.unavailable.is_due() {
            tracing::warn!(
                endpoint = self.endpoint,
                error,
                "the Collector cannot be reached; spans wait in the queue. Check OTEL_EXPORTER_OTLP_ENDPOINT and the Collector"
            );
        }
    }

    /// The Collector rejected spans.
    pub(super) fn rejected(&mut self, spans: u64, error: &str) {
        if self.rejected.is_due() {
            tracing::warn!(
                endpoint = self.endpoint,
                error,
                spans,
                "the Collector rejected spans; they are dropped. Check OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS and the Collector's log"
            );
        }
    }

    /// Another kind of server than a Collector responded.
    pub(super) fn not_otlp(&mut self, spans: u64, error: &str) {
        if self.not_otlp.is_due() {
            tracing::warn!(
                endpoint = self.endpoint,
                error,
                spans,
                "this does not look like an OTLP receiver; its spans are dropped. Check OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_EXPORTER_OTLP_PROTOCOL"
            );
        }
    }

    /// The Collector accepted all spans of a batch, and sent a message with the response.
    pub(super) fn accepted_with_warning(&mut self) {
        if self.warning.is_due() {
            tracing::warn!(
                endpoint = self.endpoint,
                "the Collector accepted the spans with a warning. Check the Collector's log"
            );
        }
    }
}

/// When one kind of line was last logged.
#[derive(Default)]
struct RateLimit {
    logged_at: Option<Instant>,
}

impl RateLimit {
    /// Whether the line may be logged now; if so, the next one is due after [`INTERVAL`].
    fn is_due(&mut self) -> bool {
        let due = self.logged_at.is_none_or(|at| at.elapsed() >= INTERVAL);
        if due {
            self.logged_at = Some(Instant::now());
        }
        due
    }
}
