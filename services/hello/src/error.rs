//! hello's errors, and the HTTP status of each.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use gateway_api::NameError;
use http::StatusCode;
use server::response::json_error;
use telemetry::EndpointError;
use telemetry::http::{CallError, forbid_retry};

/// Why there is no greeting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The name is invalid.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The call to the gateway failed.
    #[error("calling the gateway: {0}")]
    Gateway(#[from] CallError),
}

impl EndpointError for Error {
    fn error_type(&self) -> Cow<'static, str> {
        match self {
            Self::Name(_) => "bad_name".into(),
            Self::Gateway(error) => error.error_type(),
        }
    }

    fn is_business(&self) -> bool {
        matches!(self, Self::Name(_))
    }
}

/// The cause is logged with the trace, and not sent to the caller.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, text) = match &self {
            Self::Name(error) => (StatusCode::BAD_REQUEST, error.to_string()),
            Self::Gateway(CallError::Timeout) => (
                StatusCode::GATEWAY_TIMEOUT,
                "the gateway did not respond in time".to_owned(),
            ),
            Self::Gateway(_) => (
                StatusCode::BAD_GATEWAY,
                "the call to the gateway failed".to_owned(),
            ),
        };
        if status.is_server_error() {
            tracing::warn!(error = %self, "request failed");
        }
        let mut response = json_error(status, &text);
        if matches!(self, Self::Gateway(_)) {
            forbid_retry(response.headers_mut());
        }
        response
    }
}
