//! The fault switch: greetings made late or failed on purpose, for tests and
//! demos.
//!
//! Nothing is left to chance: an error rate of 0.25 fails every fourth request,
//! and `times` limits a fault to the next so many.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;
use serde::{Deserialize, Serialize};

/// The switch; clones share it. Off until it is set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    active: Arc<Mutex<Option<Active>>>,
}

/// What `POST /faults` asks for. A field that is left out is at rest.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaultsRequest {
    /// How much later a request is answered, as in `200ms`.
    delay: Option<String>,
    /// The same in milliseconds.
    delay_ms: Option<u64>,
    /// The share of requests that fail, from 0 to 1.
    error_rate: Option<f64>,
    /// With which status they fail, 400 to 599; 503 by default.
    status: Option<u16>,
    /// For how many requests all this holds; for all by default.
    times: Option<u64>,
}

/// What `GET /faults` shows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Shown {
    delay_ms: u64,
    error_rate: f64,
    status: u16,
    /// Requests left that it holds for; none where it holds for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Active {
    delay: Duration,
    error_rate: f64,
    status: StatusCode,
    times: Option<u64>,
    /// How far the next failure has come: at 1, a request fails.
    due: f64,
}

impl Faults {
    /// Puts these faults in the place of those before.
    pub(crate) fn set(&self, request: FaultsRequest) -> Result<Shown, String> {
        let active = request.checked()?;
        *self.lock() = Some(active);
        Ok(active.shown())
    }

    pub(crate) fn clear(&self) {
        *self.lock() = None;
    }

    /// What is set; at rest, nothing is late and nothing fails.
    pub(crate) fn shown(&self) -> Shown {
        self.lock().unwrap_or_default().shown()
    }

    /// Lets a request feel what is set: waits, and says with which status it fails.
    pub(crate) async fn strike(&self) -> Option<StatusCode> {
        let (delay, status) = self.next()?;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        status
    }

    /// What the next request has to feel.
    fn next(&self) -> Option<(Duration, Option<StatusCode>)> {
        let mut faults = self.lock();
        let active = faults.as_mut()?;
        active.due += active.error_rate;
        let fails = active.due >= 1.0;
        if fails {
            active.due -= 1.0;
        }
        let felt = (active.delay, fails.then_some(active.status));
        if let Some(times) = &mut active.times {
            *times -= 1;
            if *times == 0 {
                *faults = None;
            }
        }
        Some(felt)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Active>> {
        // Nothing is left half-done behind a panic here.
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FaultsRequest {
    fn checked(self) -> Result<Active, String> {
        let delay = match (self.delay, self.delay_ms) {
            (Some(_), Some(_)) => return Err("give delay or delay_ms, not both".to_owned()),
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
            return Err("times: write a number from 1 up, or DELETE /faults".to_owned());
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
    fn shown(&self) -> Shown {
        Shown {
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
        let strike = || faults.next().is_some_and(|(_, status)| status.is_some());
        (0..requests).map(|_| strike()).collect()
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
    fn a_rate_fails_every_so_many_requests() {
        let fourth = [false, false, false, true];
        assert_eq!(failures(&with(0.25, None), 8), [fourth, fourth].concat());
        assert_eq!(failures(&with(1.0, None), 3), [true; 3]);
        assert_eq!(failures(&with(0.0, None), 3), [false; 3]);
    }

    #[test]
    fn times_limits_a_fault_to_the_next_requests() {
        let faults = with(1.0, Some(1));
        assert_eq!(failures(&faults, 3), [true, false, false]);
        assert_eq!(faults.shown(), Active::default().shown());
    }

    #[test]
    fn faults_that_make_no_sense_are_refused() {
        let refused = |json: &str| {
            let request = serde_json::from_str::<FaultsRequest>(json).map_err(|e| e.to_string());
            request.and_then(FaultsRequest::checked).unwrap_err()
        };
        assert!(refused(r#"{"error_rate": 2}"#).contains("from 0 to 1"));
        assert!(refused(r#"{"status": 200}"#).contains("400 to 599"));
        assert!(refused(r#"{"delay": "200"}"#).contains("with its unit"));
        assert!(refused(r#"{"delay": "1s", "delay_ms": 1}"#).contains("not both"));
        assert!(refused(r#"{"times": 0}"#).contains("from 1 up"));
        assert!(refused(r#"{"latency": 1}"#).contains("unknown field"));
    }
}
