//! Which attempts are retried, and how many.
//!
//! An attempt is retried if it cannot have had an effect, or if a second effect
//! does no harm (RFC 9110, section 9.2.2):
//!
//! | failure of an attempt | retried |
//! |---|---|
//! | no connection could be made | for every method |
//! | 502, 503, 504 | for idempotent methods, without `x-should-retry: false` |
//! | the connection was lost before the response was complete | for idempotent methods |
//! | a certificate is not accepted | never: it would not be the next time |
//! | timeout | never: it has already used the caller's time |
//! | another status, a response that is too large or not valid HTTP | never: the next one would be the same |
//!
//! Two limits keep retries from multiplying. Only the service next to the failure
//! retries: its own error response has [`SHOULD_RETRY`], so its callers do not. And
//! each client has a budget: over the last ten seconds, at most ten retries per
//! second and one per five successful calls.

use std::sync::Arc;
use std::time::SystemTime;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use reqwest::Response;
use reqwest_middleware::{Error, Result};
use reqwest_retry::policies::ExponentialBackoff;
use reqwest_retry::{RetryDecision, RetryPolicy, Retryable, RetryableStrategy};
use tower::retry::budget::{Budget, TpsBudget};

use super::call_error::{CallError, FailedAttempt};

/// The response header `x-should-retry`. With the value `false`, a client of this
/// crate does not retry the call.
pub static SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// Marks a response that reports the failure of a call to a further service, which
/// this service has retried as configured: the callers of this service do not retry
/// it again.
pub fn forbid_retry(headers: &mut HeaderMap) {
    headers.insert(&SHOULD_RETRY, HeaderValue::from_static("false"));
}

/// Whether the same call may get another response if it is sent again.
pub(crate) fn is_transient_status(response: &Response) -> bool {
    let unavailable = matches!(
        response.status(),
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
    );
    let forbidden = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"false");
    unavailable && !response.headers().get(&SHOULD_RETRY).is_some_and(forbidden)
}

/// Whether an attempt that failed like this may be repeated.
pub(crate) fn is_transient_error(error: &CallError, is_idempotent: bool) -> bool {
    match error {
        CallError::Connect(_) => true,
        CallError::ConnectionLost(_) => is_idempotent,
        _ => false,
    }
}

/// Marks the response to an attempt that is retried. [`RetryableStrategy`] does not
/// see the request.
#[derive(Clone, Copy)]
pub(crate) struct Transient;

/// The strategy and the policy of a client's retry middleware.
pub(crate) fn with_budget(backoff: ExponentialBackoff) -> (Strategy, Policy) {
    let budget = Arc::new(TpsBudget::default());
    let strategy = Strategy(Arc::clone(&budget));
    (strategy, Policy { backoff, budget })
}

/// Retries what is marked as transient.
pub(crate) struct Strategy(Arc<TpsBudget>);

impl RetryableStrategy for Strategy {
    fn handle(&self, result: &Result<Response>) -> Option<Retryable> {
        let is_transient = match result {
            Ok(response) => response.extensions().get::<Transient>().is_some(),
            Err(Error::Middleware(error)) => error
                .downcast_ref::<FailedAttempt>()
                .is_some_and(|attempt| attempt.is_transient),
            Err(Error::Reqwest(_)) => false,
        };
        if result.is_ok() && !is_transient {
            self.0.deposit();
        }
        is_transient.then_some(Retryable::Transient)
    }
}

/// Exponential backoff, as long as the budget has retries left.
pub(crate) struct Policy {
    backoff: ExponentialBackoff,
    budget: Arc<TpsBudget>,
}

impl RetryPolicy for Policy {
    fn should_retry(&self, start: SystemTime, past_retries: u32) -> RetryDecision {
        match self.backoff.should_retry(start, past_retries) {
            RetryDecision::Retry { .. } if !self.budget.withdraw() => {
                tracing::debug!("the client's retry budget is used up");
                RetryDecision::DoNotRetry
            }
            decision => decision,
        }
    }
}
