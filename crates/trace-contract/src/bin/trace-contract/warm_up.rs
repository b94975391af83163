//! Sends requests before the one whose trace is checked, until a new deployment serves
//! them reliably.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use trace_contract::{Request, TraceParent};

use crate::args::RequestArgs;
use crate::failure::Failure;

/// The number of rounds in a row that must succeed. A draining pod closes a connection
/// after each response, so these rounds also use up old connections of clients.
const ROUNDS: usize = 10;
/// The time between rounds: pods notice with a delay that they are to stop.
const PAUSE: Duration = Duration::from_millis(200);

/// Sends rounds of concurrent requests, each on its own connection, until [`ROUNDS`]
/// rounds in a row succeed.
pub(crate) async fn warm_up(
    args: &RequestArgs,
    request: &Request,
    timeout: Duration,
) -> Result<(), Failure> {
    if args.warm_up == 0 {
        return Ok(());
    }
    let started_at = Instant::now();
    let mut succeeded = 0;
    while succeeded < ROUNDS {
        match send_round(args, request).await {
            Ok(()) => succeeded += 1,
            Err(error) if started_at.elapsed() >= timeout => {
                return Err(Failure::not_checked(format!(
                    "waited {:.1?} for {} concurrent requests to succeed within {:?} each; \
                     last error: {error}",
                    started_at.elapsed(),
                    args.warm_up,
                    args.warm_up_within
                )));
            }
            Err(_) => succeeded = 0,
        }
        sleep(PAUSE).await;
    }
    Ok(())
}

/// Sends one round. The error is that of the first request that failed.
async fn send_round(args: &RequestArgs, request: &Request) -> Result<(), String> {
    let mut requests = JoinSet::new();
    for _ in 0..args.warm_up {
        let request = request
            .clone()
            .with_traceparent(TraceParent::unsampled())
            .timeout(args.warm_up_within);
        let expected = args.expect_status;
        requests.spawn(async move { send_one(&request, expected).await });
    }
    let mut outcome = Ok(());
    while let Some(one) = requests.join_next().await {
        outcome = outcome.and(one.map_err(|error| error.to_string()).flatten());
    }
    outcome
}

async fn send_one(request: &Request, expected: Option<u16>) -> Result<(), String> {
    let response = request.send().await.map_err(|error| error.to_string())?;
    let status = response.status;
    let succeeded = match expected {
        Some(expected) => status.as_u16() == expected,
        None => status.as_u16() < 500,
    };
    if succeeded {
        Ok(())
    } else {
        Err(format!("{} returned {status}", request.redacted()))
    }
}
