//! Traces of `GET /hello` in a release's Jaeger.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use trace_contract::{Contract, Expectation, Jaeger, Trace, TraceId, waterfall};

use crate::{contracts, wait};

/// The spans of `GET /hello`.
const SPANS: usize = 8;
/// How long spans may take until they are in Jaeger after an outage, on a busy machine.
const TIMEOUT: Duration = Duration::from_mins(2);
/// Concurrent queries.
const CONCURRENCY: usize = 16;

/// Waits until each of these traces of `GET /hello` is complete in Jaeger, and all of them
/// together have `spans` distinct spans. A trace with a retried call has more than eight
/// spans, but also one root and no orphan.
pub(super) async fn wait_for_complete_traces(
    jaeger: &Jaeger,
    traces: &[TraceId],
    spans: u64,
) -> Result<()> {
    let contract = contracts::load("hello")?;
    let mut complete = BTreeMap::new();
    let what = format!(
        "{} complete traces with {spans} spans in Jaeger",
        traces.len()
    );
    wait::until(&what, TIMEOUT, async || {
        if complete.len() == traces.len() {
            // The number of spans was wrong: read all traces again.
            complete.clear();
        }
        let missing = traces.iter().filter(|id| !complete.contains_key(*id));
        let missing: Vec<_> = missing.copied().collect();
        let mut incomplete = None;
        for (id, trace) in fetch(jaeger, missing).await? {
            match ensure_complete(&contract, trace.as_ref()) {
                Ok(count) => drop(complete.insert(id, count)),
                Err(error) => incomplete = Some(error.context(id)),
            }
        }
        if let Some(error) = incomplete {
            let left = traces.len() - complete.len();
            return Err(error.context(format!("{left} incomplete traces, such as")));
        }
        let sum: usize = complete.values().sum();
        ensure!(
            sum as u64 == spans,
            "only complete traces, with {sum} spans"
        );
        Ok(())
    })
    .await
}

/// Waits until Jaeger has `spans` distinct spans of these traces, which may be incomplete.
///
/// # Errors
/// If that takes longer than two minutes, or Jaeger has more spans: then a span was counted
/// as lost although it is stored.
pub async fn wait_for_span_count(jaeger: &Jaeger, traces: &[TraceId], spans: u64) -> Result<()> {
    let what = format!("{spans} spans of {} traces in Jaeger", traces.len());
    let stored = wait::until(&what, TIMEOUT, async || {
        let found = fetch(jaeger, traces.to_vec()).await?;
        let found = found.iter().filter_map(|(_, trace)| trace.as_ref());
        let sum = found.map(|trace| trace.spans().len()).sum::<usize>() as u64;
        ensure!(sum >= spans, "{sum} spans");
        Ok(sum)
    });
    let stored = stored.await?;
    ensure!(
        stored == spans,
        "Jaeger must have {spans} spans, not {stored}: some were counted as lost but are stored"
    );
    Ok(())
}

/// Returns the number of distinct spans of a complete trace.
fn ensure_complete(contract: &Contract, trace: Option<&Trace>) -> Result<usize> {
    let trace = trace.context("not in Jaeger")?;
    let spans = trace.spans().len();
    if spans == SPANS {
        contract.check(trace, &Expectation::default())?;
    } else {
        let roots = trace.top_level_spans().count();
        ensure!(
            spans > SPANS && roots == 1 && trace.conflicts().is_empty(),
            "{spans} spans, {roots} of them without a parent\n{}",
            waterfall(trace)
        );
    }
    Ok(spans)
}

async fn fetch(jaeger: &Jaeger, ids: Vec<TraceId>) -> Result<Vec<(TraceId, Option<Trace>)>> {
    let queries = ids.into_iter().map(async |id| {
        let trace = jaeger.trace(id).await;
        Ok((id, trace.with_context(|| id.to_string())?))
    });
    let results = stream::iter(queries).buffer_unordered(CONCURRENCY);
    results.try_collect().await
}
