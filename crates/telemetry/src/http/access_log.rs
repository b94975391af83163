//! One log line per request; its fields have the names of the span's attributes.

use std::time::Instant;

use axum::extract::MatchedPath;
use http::{StatusCode, Uri};

/// The parts of the log line that are known when the request starts.
pub(crate) struct AccessLog {
    pub(crate) method: &'static str,
    pub(crate) route: Option<MatchedPath>,
    /// Only its path is logged.
    pub(crate) uri: Uri,
    pub(crate) started_at: Instant,
}

impl AccessLog {
    /// Writes the line: at WARN for a 5xx or an error, otherwise at INFO.
    pub(crate) fn write(&self, status: Option<StatusCode>, error_type: Option<&'static str>) {
        // A macro, because the level of a tracing event is a constant.
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    target: "http",
                    duration_ms = milliseconds(self.started_at),
                    http.request.method = self.method,
                    http.route = self.route.as_ref().map(MatchedPath::as_str),
                    url.path = self.uri.path(),
                    http.response.status_code = status.map(|status| status.as_u16()),
                    "error.type" = error_type,
                    "request"
                )
            };
        }
        if error_type.is_some() || status.is_some_and(|status| status.is_server_error()) {
            line!(warn);
        } else {
            line!(info);
        }
    }
}

/// Milliseconds since `start`, rounded to a microsecond.
fn milliseconds(start: Instant) -> f64 {
    (start.elapsed().as_secs_f64() * 1e6).round() / 1e3
}
