//! Requests before the one whose trace is checked, until the way is clear.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use trace_contract::{Request, TraceParent};

use crate::args::RequestArgs;
use crate::failure::Failure;

/// Rounds in a row that must be answered. A pod that drains closes a connection behind
/// each answer, so that so many rounds also wear off what callers have kept of them.
const ROUNDS: usize = 10;
/// Between two rounds: a pod that was told to end may notice it a moment later.
const PAUSE: Duration = Duration::from_millis(200);

/// Sends the request as often as the arguments say, all at once so that each takes a
/// connection of its own, round after round until [`ROUNDS`] are answered as they must be.
pub(crate) async fn warm_up(
    args: &RequestArgs,
    request: &Request,
    timeout: Duration,
) -> Result<(), Failure> {
    if args.warm_up == 0 {
        return Ok(());
    }
    let began = Instant::now();
    let mut rounds = 0;
    while rounds < ROUNDS {
        match round(args, request).await {
            Ok(()) => rounds += 1,
            Err(why) if began.elapsed() >= timeout => return Err(cold(args, began, &why)),
            Err(_) => rounds = 0,
        }
        sleep(PAUSE).await;
    }
    Ok(())
}

fn cold(args: &RequestArgs, began: Instant, why: &str) -> Failure {
    Failure::not_checked(format!(
        "waited {:.1?} for {} requests at once to be answered in {:?} each; last, {why}",
        began.elapsed(),
        args.warm_up,
        args.warm_up_within
    ))
}

/// Says why one was not answered as it must be.
async fn round(args: &RequestArgs, request: &Request) -> Result<(), String> {
    let mut sent = JoinSet::new();
    for _ in 0..args.warm_up {
        let request = request
            .clone()
            .traceparent(TraceParent::unsampled())
            .timeout(args.warm_up_within);
        let expected = args.expect_status;
        sent.spawn(async move { once(&request, expected).await });
    }
    let mut outcome = Ok(());
    while let Some(one) = sent.join_next().await {
        outcome = outcome.and(one.map_err(|error| error.to_string()).flatten());
    }
    outcome
}

async fn once(request: &Request, expected: Option<u16>) -> Result<(), String> {
    let answer = request.send().await.map_err(|error| error.to_string())?;
    let status = answer.status.as_u16();
    if expected.map_or(status < 500, |expected| status == expected) {
        Ok(())
    } else {
        Err(format!(
            "{} was answered {}",
            request.shown(),
            answer.status
        ))
    }
}
