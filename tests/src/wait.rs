//! Waiting for a condition. The error names the condition, how long the test has waited
//! for it, and the last state.

use std::fmt::Display;
use std::time::Duration;

use anyhow::bail;
use tokio::time::{Instant, sleep};

use crate::client;

/// How often a condition is checked.
const INTERVAL: Duration = Duration::from_millis(10);

/// Calls `check` until it returns a value; its error, such as an `anyhow::Error`, is the last
/// state.
///
/// # Errors
/// After `timeout`: "waited 10s for WHAT; last saw …".
pub async fn until<T, S: Display>(
    what: &str,
    timeout: Duration,
    mut check: impl AsyncFnMut() -> Result<T, S>,
) -> anyhow::Result<T> {
    let start = Instant::now();
    loop {
        let seen = match check().await {
            Ok(value) => return Ok(value),
            Err(seen) => seen,
        };
        if start.elapsed() >= timeout {
            bail!(
                "waited {:.1?} for {what}; last saw {seen:#}",
                start.elapsed()
            );
        }
        sleep(INTERVAL).await;
    }
}

/// Whether a `GET` of `url` returns a success status.
///
/// # Errors
/// The other status, or why there is no response.
pub async fn http_ok(url: &str) -> Result<(), String> {
    match client().get(url).send().await {
        Ok(response) if response.status().is_success() => Ok(()),
        Ok(response) => Err(response.status().to_string()),
        // With all causes, which reqwest's message leaves out.
        Err(error) => Err(format!("{:#}", anyhow::Error::from(error))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_value_is_returned() {
        let mut checks = 0;
        let third = until("the third check", Duration::from_secs(5), async || {
            checks += 1;
            if checks == 3 { Ok(checks) } else { Err("less") }
        });
        assert_eq!(third.await.unwrap(), 3);
    }

    #[tokio::test]
    async fn the_error_contains_the_condition_and_the_last_state() {
        let timeout = Duration::from_millis(30);
        let error = until("godot", timeout, async || Err::<(), _>("an empty road")).await;
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("for godot") && error.ends_with("last saw an empty road"),
            "{error}"
        );
    }
}
