//! Which attempts may be made again: those that cannot have had an effect twice.

use http::StatusCode;
use reqwest::Response;
use reqwest_middleware::{Error, Result};
use reqwest_retry::{Retryable, RetryableStrategy};

/// Retries a connection that could not be made, for any method; and 502, 503
/// and 504 for idempotent methods (RFC 9110, section 9.2.2). A timeout is not
/// tried again: it has used the caller's time already.
pub(crate) struct TransientOnly;

/// Marks an answer to a method that must not be sent twice.
#[derive(Clone, Copy)]
struct NotIdempotent;

impl TransientOnly {
    /// Notes with the response that its request must not be repeated; the strategy sees no request.
    pub(crate) fn forbid(response: &mut Response) {
        response.extensions_mut().insert(NotIdempotent);
    }
}

impl RetryableStrategy for TransientOnly {
    fn handle(&self, outcome: &Result<Response>) -> Option<Retryable> {
        match outcome {
            Ok(response) => {
                let unavailable = matches!(
                    response.status(),
                    StatusCode::BAD_GATEWAY
                        | StatusCode::SERVICE_UNAVAILABLE
                        | StatusCode::GATEWAY_TIMEOUT
                );
                let repeatable = response.extensions().get::<NotIdempotent>().is_none();
                (unavailable && repeatable).then_some(Retryable::Transient)
            }
            Err(Error::Reqwest(error)) if error.is_connect() && !error.is_timeout() => {
                Some(Retryable::Transient)
            }
            Err(_) => Some(Retryable::Fatal),
        }
    }
}
