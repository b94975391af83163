//! What can go wrong in hello, and how it is answered.

use std::borrow::Cow;

use axum::body::Body;
use gateway_api::NameError;
use http::{Response, StatusCode};
use server::answer::{self, Form};
use telemetry::EndpointError;
use telemetry::http::CallError;

/// Why there is no greeting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The name is none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The gateway did not say who the visitor is.
    #[error("asking the gateway for the visitor: {0}")]
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

impl Error {
    /// The status, and what the caller is told.
    fn to_status(&self) -> (StatusCode, String) {
        match self {
            Self::Name(error) => (StatusCode::BAD_REQUEST, error.to_string()),
            Self::Gateway(CallError::Timeout) => (
                StatusCode::GATEWAY_TIMEOUT,
                "the gateway did not answer in time".to_owned(),
            ),
            Self::Gateway(_) => (
                StatusCode::BAD_GATEWAY,
                "the gateway could not be asked".to_owned(),
            ),
        }
    }

    /// The answer. The cause is logged with the trace and not sent out.
    pub(crate) fn into_response(self) -> Response<Body> {
        let (status, text) = self.to_status();
        if status.is_server_error() {
            tracing::warn!(error = %self, "no greeting");
        }
        answer::failure(Form::Json, status, text)
    }
}
