//! The result of one attempt to export a batch.

use std::time::Duration;

/// The result of one attempt to export a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ExportResult {
    /// The Collector accepted the batch, except `rejected` spans (OTLP's partial success).
    Accepted { rejected: u64 },
    /// The Collector rejected the batch; a retry would not help.
    Rejected(String),
    /// The batch can be retried.
    Unavailable {
        /// The reason, without credentials.
        error: String,
        /// The response's `Retry-After`.
        retry_after: Option<Duration>,
    },
}
