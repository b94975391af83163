//! Why a call failed, without the URL or any content.

use std::error::Error;

use http::StatusCode;
use reqwest_retry::RetryError;

/// Why a call to another service failed.
///
/// Neither `Display` nor `Debug` contains the URL, which may contain a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// No complete response was received in time.
    #[error("the call timed out")]
    Timeout,
    /// The connection could not be made.
    #[error("the connection failed: {0}")]
    Connect(String),
    /// The response's status is not a success.
    #[error("the response status was {0}")]
    Status(StatusCode),
    /// The connection was lost, or the response is not valid HTTP or has an unexpected body.
    #[error("the response could not be read: {0}")]
    Protocol(String),
}

impl CallError {
    /// `error.type`: the status code, or one of `timeout`, `connect`, `protocol`.
    pub fn error_type(&self) -> std::borrow::Cow<'static, str> {
        match self {
            Self::Timeout => "timeout".into(),
            Self::Connect(_) => "connect".into(),
            Self::Status(status) => status.as_str().to_owned().into(),
            Self::Protocol(_) => "protocol".into(),
        }
    }

    /// The same error, from a reference.
    pub(crate) fn of(error: &reqwest_middleware::Error) -> Self {
        match innermost(error) {
            Some(error) => Self::of_reqwest(error),
            None => Self::Protocol("a client middleware failed".to_owned()),
        }
    }

    fn of_reqwest(error: &reqwest::Error) -> Self {
        if error.is_timeout() {
            Self::Timeout
        } else if error.is_connect() {
            Self::Connect(root_cause(error))
        } else if let Some(status) = error.status() {
            Self::Status(status)
        } else {
            Self::Protocol(root_cause(error))
        }
    }
}

impl From<reqwest_middleware::Error> for CallError {
    fn from(error: reqwest_middleware::Error) -> Self {
        Self::of(&error)
    }
}

impl From<reqwest::Error> for CallError {
    fn from(error: reqwest::Error) -> Self {
        Self::of_reqwest(&error)
    }
}

/// reqwest's error, which the retry middleware wraps.
fn innermost(error: &reqwest_middleware::Error) -> Option<&reqwest::Error> {
    match error {
        reqwest_middleware::Error::Reqwest(error) => Some(error),
        reqwest_middleware::Error::Middleware(error) => match error.downcast_ref::<RetryError>()? {
            RetryError::WithRetries { err, .. } | RetryError::Error(err) => innermost(err),
        },
    }
}

/// The last error of the chain: that of the operating system or of hyper, which
/// does not contain the URL, unlike reqwest's own.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: Option<&dyn Error> = error.source();
    while let Some(deeper) = cause.and_then(Error::source) {
        cause = Some(deeper);
    }
    cause.map_or_else(|| "no further cause".to_owned(), ToString::to_string)
}
