//! One log line a request, with the names that its span uses.

use std::time::Instant;

use http::{StatusCode, Uri};

/// What the log line says of a request.
pub(crate) struct Exchange {
    pub(crate) method: &'static str,
    pub(crate) route: Option<&'static str>,
    pub(crate) path: Option<String>,
    pub(crate) started: Instant,
}

/// The path for the log line; nothing is copied where nobody logs.
pub(crate) fn path(uri: &Uri) -> Option<String> {
    tracing::enabled!(target: "http", tracing::Level::INFO).then(|| uri.path().to_owned())
}

impl Exchange {
    /// Whether somebody wants the line.
    pub(crate) fn is_logged(&self, status: Option<StatusCode>, error_type: Option<&str>) -> bool {
        // A failure is a warning, for which there is a line where there is one for a success.
        self.path.is_some()
            || is_failure(status, error_type)
                && tracing::enabled!(target: "http", tracing::Level::WARN)
    }

    /// Writes the line: INFO, or WARN for a 5xx and for a request that got no whole answer.
    pub(crate) fn log(&self, status: Option<StatusCode>, error_type: Option<&'static str>) {
        // A macro, because a log call's level is a constant of its place.
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    target: "http",
                    duration_ms = milliseconds(self.started),
                    http.request.method = self.method,
                    http.route = self.route,
                    url.path = self.path.as_deref(),
                    http.response.status_code = status.map(|status| status.as_u16()),
                    "error.type" = error_type,
                    "request"
                )
            };
        }
        if is_failure(status, error_type) {
            line!(warn);
        } else {
            line!(info);
        }
    }
}

fn is_failure(status: Option<StatusCode>, error_type: Option<&str>) -> bool {
    error_type.is_some() || status.is_some_and(|status| status.is_server_error())
}

/// Milliseconds since then, to the microsecond.
fn milliseconds(since: Instant) -> f64 {
    (since.elapsed().as_secs_f64() * 1e6).round() / 1e3
}
