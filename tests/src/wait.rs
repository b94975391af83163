//! Waiting that says what it waits for, how long it has waited, and what it
//! last saw.

use std::fmt::Display;
use std::time::Duration;

use anyhow::bail;
use tokio::time::{Instant, sleep};

/// How often a condition is looked at.
const EVERY: Duration = Duration::from_millis(10);

/// Asks `look` until it gives a value; an error of it is what was last seen.
///
/// # Errors
/// When `timeout` is over: "waited 10s for WHAT; last saw …".
pub async fn until<T, S: Display>(
    what: &str,
    timeout: Duration,
    mut look: impl AsyncFnMut() -> Result<T, S>,
) -> anyhow::Result<T> {
    let began = Instant::now();
    loop {
        let seen = match look().await {
            Ok(value) => return Ok(value),
            Err(seen) => seen,
        };
        if began.elapsed() >= timeout {
            bail!(
                "waited {:.1?} for {what}; last saw {seen:#}",
                began.elapsed()
            );
        }
        sleep(EVERY).await;
    }
}

/// Whether `url` answers with success; what it did instead.
///
/// # Errors
/// The status, or why there is no answer.
pub async fn answers(url: &str) -> Result<(), String> {
    match reqwest::get(url).await {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(answer.status().to_string()),
        Err(error) => Err(causes(&error)),
    }
}

/// reqwest says the cause only in the sources of its error.
fn causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_waited_for_is_returned() {
        let mut looks = 0;
        let third = until("the third look", Duration::from_secs(5), async || {
            looks += 1;
            if looks == 3 { Ok(looks) } else { Err("less") }
        });
        assert_eq!(third.await.unwrap(), 3);
    }

    #[tokio::test]
    async fn the_error_says_what_was_last_seen() {
        let timeout = Duration::from_millis(30);
        let error = until("godot", timeout, async || Err::<(), _>("an empty road")).await;
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("for godot") && error.ends_with("last saw an empty road"),
            "{error}"
        );
    }
}
