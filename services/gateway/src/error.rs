//! The gateway's errors, and the HTTP status of each.

use std::borrow::Cow;

use axum::response::Response;
use gateway_api::NameError;
use http::StatusCode;
use telemetry::EndpointError;
use telemetry::http::{CallError, forbid_retry};

use crate::format::Format;

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The name is invalid.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The call to hello failed.
    #[error("calling hello: {0}")]
    Hello(#[from] CallError),
}

impl EndpointError for Error {
    fn error_type(&self) -> Cow<'static, str> {
        match self {
            Self::Name(_) => "bad_name".into(),
            Self::Hello(error) => error.error_type(),
        }
    }

    fn is_business(&self) -> bool {
        matches!(self, Self::Name(_))
    }
}

impl Error {
    /// The status and the text for the caller.
    fn to_status(&self) -> (StatusCode, String) {
        match self {
            Self::Name(error) => (StatusCode::BAD_REQUEST, error.to_string()),
            Self::Hello(CallError::Timeout | CallError::Status(StatusCode::GATEWAY_TIMEOUT)) => (
                StatusCode::GATEWAY_TIMEOUT,
                "hello did not respond in time".to_owned(),
            ),
            Self::Hello(CallError::Status(StatusCode::SERVICE_UNAVAILABLE)) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "hello is unavailable; try again later".to_owned(),
            ),
            Self::Hello(_) => (
                StatusCode::BAD_GATEWAY,
                "the call to hello failed".to_owned(),
            ),
        }
    }

    /// The response. The cause is logged with the trace, and not sent to the caller.
    pub(crate) fn into_response(self, format: Format) -> Response {
        let (status, text) = self.to_status();
        if status.is_server_error() {
            tracing::warn!(error = %self, "request failed");
        }
        let mut response = format.error(status, &text);
        if matches!(self, Self::Hello(_)) {
            forbid_retry(response.headers_mut());
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_of_hello_has_its_status() {
        let status = |error: CallError| Error::Hello(error).to_status().0.as_u16();
        assert_eq!(status(CallError::Timeout), 504);
        assert_eq!(status(CallError::Connect(String::new())), 502);
        assert_eq!(status(CallError::Protocol(String::new())), 502);
        assert_eq!(status(CallError::Status(StatusCode::NOT_FOUND)), 502);
        assert_eq!(
            status(CallError::Status(StatusCode::SERVICE_UNAVAILABLE)),
            503
        );
        assert_eq!(status(CallError::Status(StatusCode::GATEWAY_TIMEOUT)), 504);
    }

    #[test]
    fn causes_are_not_sent_to_the_caller() {
        let cause = Error::Hello(CallError::Connect("10.0.0.7: refused".to_owned()));
        assert!(!cause.to_status().1.contains("10.0.0.7"));
    }
}
