//! The fault switch: delays or fails greetings on purpose, for tests and demos.
//!
//! It is deterministic: an error rate of 0.25 fails every fourth request.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;
use serde::{Deserialize, Serialize};

/// The switch. It is off until it is set. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    active: Arc<Mutex<Option<Active>>>,
}

/// The body of `POST /faults`. All fields are optional.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaultsRequest {
    /// By how much a response is delayed, as in `200ms`.
    delay: Option<String>,
    /// The same in milliseconds.
    delay_ms: Option<u64>,
    /// The share of requests that fail, from 0 to 1.
    error_rate: Option<f64>,
    /// The status of the failed requests, 400 to 599; 503 by default.
    status: Option<u16>,
    /// The number of requests to apply this to; all by default.
    times: Option<u64>,
}

/// The faults that are set, as `GET /faults` returns them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct FaultsResponse {
    delay_ms: u64,
    error_rate: f64,
    status: u16,
    /// The number of requests left; absent for all requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Active {
    delay: Duration,
    error_rate: f64,
    status: StatusCode,
    times: Option<u64>,
    /// Grows by the error rate with each request; at 1, a request fails.
    due: f64,
}

impl Faults {
    /// Replaces the faults that were set.
    pub(crate) fn set(&self, request: FaultsRequest) -> Result<FaultsResponse, String> {
        let active = request.validate()?;
        *self.lock() = Some(active);
        Ok(active.to_response())
    }

    /// Turns all faults off.
    pub(crate) fn clear(&self) {
        *self.lock() = None;
    }

    /// The faults that are set.
    pub(crate) fn current(&self) -> FaultsResponse {
        self.lock().unwrap_or_default().to_response()
    }

    /// Applies the faults to a request: waits, and returns the status if it must fail.
    pub(crate) async fn apply(&self) -> Option<StatusCode> {
        let (delay, status) = self.next()?;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        status
    }

    /// The delay of the next request, and its status if it must fail.
    fn next(&self) -> Option<(Duration, Option<StatusCode>)> {
        let mut faults = self.lock();
        let active = faults.as_mut()?;
        active.due += active.error_rate;
        let fails = active.due >= 1.0;
        if fails {
            active.due -= 1.0;
        }
        let effect = (active.delay, fails.then_some(active.status));
        if let Some(times) = &mut active.times {
            *times -= 1;
            if *times == 0 {
                *faults = None;
            }
        }
        Some(effect)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Active>> {
        // No code that holds the lock can panic halfway through a change.
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FaultsRequest {
    fn validate(self) -> Result<Active, String> {
        let delay = match (self.delay, self.delay_ms) {
            (Some(_), Some(_)) => return Err("set delay or delay_ms, not both".to_owned()),
            (Some(text), None) => {
                server::duration(&text).map_err(|error| format!("delay: {error}"))?
            }
            (None, milliseconds) => Duration::from_millis(milliseconds.unwrap_or(0)),
        };
        let error_rate = self.error_rate.unwrap_or(0.0);
        if !(0.0..=1.0).contains(&error_rate) {
            return Err("error_rate: write a number from 0 to 1".to_owned());
        }
        let status = match self.status {
            None => Active::default().status,
            Some(number) => StatusCode::from_u16(number)
                .ok()
                .filter(|status| status.is_client_error() || status.is_server_error())
                .ok_or("status: write a number from 400 to 599")?,
        };
        if self.times == Some(0) {
            return Err("times: write a number of at least 1, or use DELETE /faults".to_owned());
        }
        Ok(Active {
            delay,
            error_rate,
            status,
            times: self.times,
            due: 0.0,
        })
    }
}

impl Default for Active {
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            error_rate: 0.0,
            status: StatusCode::SERVICE_UNAVAILABLE,
            times: None,
            due: 0.0,
        }
    }
}

impl Active {
    fn to_response(self) -> FaultsResponse {
        FaultsResponse {
            delay_ms: u64::try_from(self.delay.as_millis()).unwrap_or(u64::MAX),
            error_rate: self.error_rate,
            status: self.status.as_u16(),
            times: self.times,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failures(faults: &Faults, requests: usize) -> Vec<bool> {
        let fails = || faults.next().is_some_and(|(_, status)| status.is_some());
        (0..requests).map(|_| fails()).collect()
    }

    fn with(error_rate: f64, times: Option<u64>) -> Faults {
        let faults = Faults::default();
        let request = FaultsRequest {
            error_rate: Some(error_rate),
            times,
            ..FaultsRequest::default()
        };
        faults.set(request).unwrap();
        faults
    }

    #[test]
    fn an_error_rate_of_a_quarter_fails_every_fourth_request() {
        let fourth = [false, false, false, true];
        assert_eq!(failures(&with(0.25, None), 8), [fourth, fourth].concat());
        assert_eq!(failures(&with(1.0, None), 3), [true; 3]);
        assert_eq!(failures(&with(0.0, None), 3), [false; 3]);
    }

    #[test]
    fn times_limits_a_fault_to_the_next_requests() {
        let faults = with(1.0, Some(1));
        assert_eq!(failures(&faults, 3), [true, false, false]);
        assert_eq!(faults.current(), Active::default().to_response());
    }

    #[test]
    fn invalid_faults_are_rejected() {
        let rejected = |json: &str| {
            let request = serde_json::from_str::<FaultsRequest>(json).map_err(|e| e.to_string());
            request.and_then(FaultsRequest::validate).unwrap_err()
        };
        assert!(rejected(r#"{"error_rate": 2}"#).contains("from 0 to 1"));
        assert!(rejected(r#"{"status": 200}"#).contains("400 to 599"));
        assert!(rejected(r#"{"delay": "200"}"#).contains("with its unit"));
        assert!(rejected(r#"{"delay": "1s", "delay_ms": 1}"#).contains("not both"));
        assert!(rejected(r#"{"times": 0}"#).contains("at least 1"));
        assert!(rejected(r#"{"latency": 1}"#).contains("unknown field"));
    }
}
