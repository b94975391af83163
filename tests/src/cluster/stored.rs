//! What of a release's spans is in its Jaeger.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use tokio::task::JoinSet;
use trace_contract::{Contract, Expectation, Jaeger, Trace, TraceId};

use crate::{traced, wait};

/// The spans of `GET /hello`.
const SPANS: usize = 8;
/// How long spans may take into Jaeger after an outage, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);
/// Traces that are asked for at once.
const AT_ONCE: usize = 16;

/// Waits until Jaeger has each of these traces of `GET /hello`, whole, and of all
/// together `spans` distinct ones. One whose call was tried again has more than
/// eight spans, and still one root and no orphan.
///
/// # Errors
/// When it has not in time; with what was last seen, and a trace that is not whole.
pub async fn whole(jaeger: &Jaeger, traces: &[TraceId], spans: u64) -> Result<()> {
    let contract = traced::load("hello")?;
    let mut counts = BTreeMap::new();
    let mut missing: BTreeSet<_> = traces.iter().copied().collect();
    let what = format!("{} whole traces of {spans} spans in Jaeger", traces.len());
    wait::until(&what, PATIENCE, async || {
        if missing.is_empty() {
            // A span too few or too many somewhere: look at all again.
            missing.extend(traces);
            counts.clear();
        }
        let found = fetch(jaeger, &missing)
            .await
            .map_err(|error| format!("{error:#}"))?;
        let mut broken = None;
        for (id, trace) in found {
            match judge(&contract, trace.as_ref()) {
                Ok(count) => {
                    missing.remove(&id);
                    counts.insert(id, count);
                }
                Err(why) => broken = Some(format!("{id}: {why}")),
            }
        }
        let sum: u64 = counts.values().sum();
        match broken {
            None if sum == spans => Ok(()),
            None => Err(format!("all whole, of {sum} spans")),
            Some(why) => Err(format!("{} not whole, such as {why}", missing.len())),
        }
    })
    .await
}

/// Waits until Jaeger has of these traces `spans` distinct spans, and no more, however
/// many of them have lost some.
///
/// # Errors
/// When it has not in time, or has more: then a span was counted as lost and is there.
pub async fn spans_of(jaeger: &Jaeger, traces: &[TraceId], spans: u64) -> Result<()> {
    let traces: BTreeSet<_> = traces.iter().copied().collect();
    let what = format!("{spans} spans of {} traces in Jaeger", traces.len());
    let found = wait::until(&what, PATIENCE, async || {
        let found = fetch(jaeger, &traces).await;
        let found = found.map_err(|error| format!("{error:#}"))?;
        let traces = found.iter().filter_map(|(_, trace)| trace.as_ref());
        let sum: usize = traces.map(|trace| trace.spans().len()).sum();
        let sum = sum as u64;
        if sum >= spans {
            Ok(sum)
        } else {
            Err(sum.to_string())
        }
    });
    let found = found.await?;
    ensure!(
        found == spans,
        "Jaeger must have {spans} spans, and has {found}: some are there that were counted as lost"
    );
    Ok(())
}

/// How many distinct spans a whole trace has; why it is not whole.
fn judge(contract: &Contract, trace: Option<&Trace>) -> Result<u64, String> {
    let trace = trace.ok_or("nothing of it")?;
    let count = trace.spans().len();
    if count == SPANS {
        let checked = contract.check(trace, &Expectation::default());
        checked.map_err(|mismatch| mismatch.to_string())?;
    } else {
        let tops = trace.tops().count();
        if count < SPANS || tops != 1 || !trace.conflicts().is_empty() {
            let shown = trace_contract::waterfall(trace);
            return Err(format!(
                "{count} spans, {tops} of them without a parent\n{shown}"
            ));
        }
    }
    Ok(count as u64)
}

async fn fetch(
    jaeger: &Jaeger,
    traces: &BTreeSet<TraceId>,
) -> Result<Vec<(TraceId, Option<Trace>)>> {
    let mut left = traces.iter().copied();
    let mut fetching = JoinSet::new();
    let mut found = Vec::with_capacity(traces.len());
    loop {
        while fetching.len() < AT_ONCE
            && let Some(id) = left.next()
        {
            let jaeger = jaeger.clone();
            fetching.spawn(async move { (id, jaeger.trace(id).await) });
        }
        let Some(fetched) = fetching.join_next().await else {
            return Ok(found);
        };
        match fetched? {
            (id, Ok(trace)) => found.push((id, trace)),
            (id, Err(error)) => bail!("{id}: {error}"),
        }
    }
}
