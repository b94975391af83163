//! Why a call failed, without the URL or any content.

use std::error::Error;
use std::io::{self, ErrorKind};

use http::StatusCode;
use reqwest_retry::RetryError;

use crate::tls;

/// Why a call to another service failed.
///
/// Neither `Display` nor `Debug` contains the URL, which may contain a token, or
/// anything that the other service sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// No complete response was received in time.
    #[error("the call timed out")]
    Timeout,
    /// The connection could not be made.
    #[error("the connection failed: {0}")]
    Connect(String),
    /// The connection was closed or reset before the response was complete.
    #[error("the connection was lost before the response was complete: {0}")]
    ConnectionLost(String),
    /// The connection could not be encrypted: a certificate was not accepted.
    #[error("the TLS handshake failed: {0}")]
    Tls(&'static str),
    /// The response's status is not a success.
    #[error("the response status was {0}")]
    Status(StatusCode),
    /// The response's body is larger than this number of bytes:
    /// [`ClientConfig::max_response_body`](super::ClientConfig::max_response_body).
    #[error("the response body is larger than {0} bytes")]
    TooLarge(usize),
    /// The response is not valid HTTP, or has an unexpected body.
    #[error("the response could not be read: {0}")]
    Protocol(String),
}

impl CallError {
    /// `error.type`: the status code, or one of `timeout`, `connect`,
    /// `tls`, `connection_lost`, `response_too_large`, `protocol`.
    pub fn error_type(&self) -> std::borrow::Cow<'static, str> {
        match self {
            Self::Timeout => "timeout".into(),
            Self::Connect(_) => "connect".into(),
            Self::ConnectionLost(_) => "connection_lost".into(),
            Self::Tls(_) => "tls".into(),
            Self::Status(status) => status.as_str().to_owned().into(),
            Self::TooLarge(_) => "response_too_large".into(),
            Self::Protocol(_) => "protocol".into(),
        }
    }

    /// The same error, from a reference.
    pub(crate) fn of(error: &reqwest_middleware::Error) -> Self {
        match innermost(error) {
            Some(Innermost::Attempt(attempt)) => attempt.error.clone(),
            Some(Innermost::Reqwest(error)) => Self::of_reqwest(error),
            None => Self::Protocol("a client middleware failed".to_owned()),
        }
    }

    fn of_reqwest(error: &reqwest::Error) -> Self {
        if error.is_timeout() {
            Self::Timeout
        } else if let Some(tls::Failure { reason, .. }) = tls::failure(error) {
            Self::Tls(reason)
        } else if error.is_connect() {
            Self::Connect(cause(error))
        } else if let Some(status) = error.status() {
            Self::Status(status)
        } else if chain(error).any(is_connection_lost) {
            Self::ConnectionLost(cause(error))
        } else {
            Self::Protocol(cause(error))
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

/// The failure of one attempt of a call, as it passes through the middlewares.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub(crate) struct FailedAttempt {
    pub(crate) error: CallError,
    /// Whether another attempt may succeed and cannot do harm.
    pub(crate) is_transient: bool,
}

enum Innermost<'a> {
    Attempt(&'a FailedAttempt),
    Reqwest(&'a reqwest::Error),
}

/// The error that the retry middleware wraps.
fn innermost(error: &reqwest_middleware::Error) -> Option<Innermost<'_>> {
    match error {
        reqwest_middleware::Error::Reqwest(error) => Some(Innermost::Reqwest(error)),
        reqwest_middleware::Error::Middleware(error) => {
            if let Some(attempt) = error.downcast_ref() {
                return Some(Innermost::Attempt(attempt));
            }
            match error.downcast_ref::<RetryError>()? {
                RetryError::WithRetries { err, .. } | RetryError::Error(err) => innermost(err),
            }
        }
    }
}

/// The error and its causes, from the outside in.
fn chain(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(Some(error as &(dyn Error + 'static)), |error| {
        Error::source(*error)
    })
}

/// Whether the connection ended before the response did.
fn is_connection_lost(error: &(dyn Error + 'static)) -> bool {
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        return error.is_incomplete_message() || error.is_canceled() || error.is_closed();
    }
    error.downcast_ref::<io::Error>().is_some_and(|error| {
        matches!(
            error.kind(),
            ErrorKind::UnexpectedEof
                | ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted
                | ErrorKind::BrokenPipe
                | ErrorKind::NotConnected
        )
    })
}

/// What the innermost error of a known type reports. Its own text is used only if
/// it cannot contain what the other service sent: those of `serde_json` quote the body,
/// and those of TLS the certificate.
fn cause(error: &reqwest::Error) -> String {
    let known = chain(error).filter_map(without_content);
    known
        .last()
        .unwrap_or_else(|| "no further cause".to_owned())
}

fn without_content(error: &(dyn Error + 'static)) -> Option<String> {
    if let Some(error) = error.downcast_ref::<serde_json::Error>() {
        let (kind, line, column) = (error.classify(), error.line(), error.column());
        return Some(format!(
            "the body is not the expected JSON: {kind:?} error at line {line} column {column}"
        ));
    }
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        // One of hyper's constants.
        return Some(error.to_string());
    }
    let error = error.downcast_ref::<io::Error>()?;
    let text = error.to_string();
    let is_own = error.get_ref().is_none() || text.starts_with("failed to lookup address");
    Some(if is_own {
        text
    } else {
        error.kind().to_string()
    })
}
