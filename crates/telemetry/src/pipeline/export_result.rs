//! The result of one attempt to export a batch.

use std::time::Duration;

/// The result of one attempt to export a batch. Its texts contain nothing that a
/// peer sent, because that may repeat a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ExportResult {
    /// The Collector accepted the batch, except `rejected` spans (OTLP's partial success).
    Accepted {
        rejected: u64,
        /// The Collector sent a message with its partial success.
        has_message: bool,
    },
    /// The Collector rejected the batch; a retry would not help.
    Rejected(String),
    /// The response is a success, but not of OTLP: another kind of server responded.
    NotOtlp(String),
    /// The batch can be retried.
    Unavailable {
        /// The reason.
        error: String,
        /// How long the Collector requests to wait.
        retry_after: Option<Duration>,
    },
}

impl ExportResult {
    /// The reason of a failure.
    pub(super) fn error_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::Accepted { .. } => None,
            Self::Rejected(error) | Self::NotOtlp(error) | Self::Unavailable { error, .. } => {
                Some(error)
            }
        }
    }
}
