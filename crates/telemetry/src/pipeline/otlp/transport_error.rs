//! Why no response arrived, without anything that a peer sent and without secrets.

use crate::tls;

/// Describes the error, and names the variable to check.
pub(super) fn describe(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "no response in time (OTEL_EXPORTER_OTLP_TIMEOUT)"
    } else if let Some(reason) = tls::failure(error) {
        reason
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection failed"
    }
}
