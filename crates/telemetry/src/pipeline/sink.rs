//! Where batches go: a Collector over OTLP/HTTP, or the console.

use std::time::Duration;

use bytes::Bytes;

use super::console;
use super::otlp::Otlp;

/// What became of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The batch arrived, but for so many spans.
    Accepted {
        /// `rejected_spans` of a partial success.
        rejected: u64,
    },
    /// The batch will never be taken.
    Refused(String),
    /// The batch may be taken another time.
    Unavailable {
        /// Why, without credentials.
        error: String,
        /// What `Retry-After` asked for.
        retry_after: Option<Duration>,
    },
}

/// The exporter that `OTEL_TRACES_EXPORTER` asks for.
pub(super) enum Sink {
    /// `otlp`.
    Otlp(Box<Otlp>),
    /// `console`.
    Console,
}

impl Sink {
    /// Sends one `ExportTraceServiceRequest`.
    pub(super) async fn send(&self, body: Bytes) -> Outcome {
        match self {
            Self::Otlp(otlp) => otlp.send(body).await,
            Self::Console => console::print(&body),
        }
    }
}
