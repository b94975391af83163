//! What can go wrong in the gateway, and how it is answered.

use std::borrow::Cow;

use axum::body::Body;
use gateway_api::NameError;
use http::{Response, StatusCode};
use server::answer::{self, Form};
use telemetry::EndpointError;
use telemetry::http::CallError;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The name is none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// hello gave no greeting.
    #[error("asking hello for the greeting: {0}")]
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
    /// The status, and what the caller is told.
    fn to_status(&self) -> (StatusCode, String) {
        match self {
            Self::Name(error) => (StatusCode::BAD_REQUEST, error.to_string()),
            Self::Hello(CallError::Timeout | CallError::Status(StatusCode::GATEWAY_TIMEOUT)) => (
                StatusCode::GATEWAY_TIMEOUT,
                "hello did not answer in time".to_owned(),
            ),
            Self::Hello(CallError::Status(StatusCode::SERVICE_UNAVAILABLE)) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "hello is not available; try again later".to_owned(),
            ),
            Self::Hello(_) => (
                StatusCode::BAD_GATEWAY,
                "hello could not be asked".to_owned(),
            ),
        }
    }

    /// The answer. The cause is logged with the trace and not sent out.
    pub(crate) fn into_response(self, form: Form) -> Response<Body> {
        let (status, text) = self.to_status();
        if status.is_server_error() {
            tracing::warn!(error = %self, "no greeting");
        }
        answer::failure(form, status, text)
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
    fn causes_are_not_sent_out() {
        let cause = Error::Hello(CallError::Connect("10.0.0.7: refused".to_owned()));
        assert!(!cause.to_status().1.contains("10.0.0.7"));
    }
}
