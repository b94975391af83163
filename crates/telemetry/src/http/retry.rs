//! Which attempts are retried: those that cannot have had an effect.

use http::StatusCode;
use reqwest::Response;
use reqwest_middleware::{Error, Result};
use reqwest_retry::{Retryable, RetryableStrategy};

/// Retries a connection that could not be made, for any method; and 502, 503
/// and 504 for idempotent methods (RFC 9110, section 9.2.2). A timeout is not
/// retried: it has already used the caller's time.
pub(crate) struct TransientOnly;

impl RetryableStrategy for TransientOnly {
    fn handle(&self, result: &Result<Response>) -> Option<Retryable> {
        match result {
            Ok(response) => {
                let unavailable = matches!(
                    response.status(),
                    StatusCode::BAD_GATEWAY
                        | StatusCode::SERVICE_UNAVAILABLE
                        | StatusCode::GATEWAY_TIMEOUT
                );
                let idempotent = response.extensions().get::<NotIdempotent>().is_none();
                (unavailable && idempotent).then_some(Retryable::Transient)
            }
            Err(Error::Reqwest(error)) if error.is_connect() && !error.is_timeout() => {
                Some(Retryable::Transient)
            }
            Err(_) => Some(Retryable::Fatal),
        }
    }
}

/// The response's request had a method that must not be sent twice.
#[derive(Clone, Copy)]
struct NotIdempotent;

impl TransientOnly {
    /// Marks the response to a method that must not be sent twice, because
    /// [`RetryableStrategy`] does not see the request.
    pub(crate) fn mark_not_idempotent(response: &mut Response) {
        response.extensions_mut().insert(NotIdempotent);
    }
}
