//! Assertions about the system's traces and about its shutdown.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use trace_contract::{Store, Trace, TraceId};

use crate::accounting::SpanCounts;
use crate::local::System;
use crate::process::Signal;

/// Services with the number of spans that each has in a trace.
pub type SpansPerService<'a> = [(&'a str, usize)];

/// The spans of `GET /hello` at the gateway.
pub const HELLO: &SpansPerService<'static> = &[("gateway", 5), ("hello", 3)];
/// The spans of `GET /greetings/{name}` at hello.
pub const GREETING: &SpansPerService<'static> = &[("gateway", 2), ("hello", 3)];

/// More than the services' own shutdown timeout.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(30);

/// Checks that each trace has exactly the expected number of distinct spans of each service.
///
/// # Errors
/// If some traces have not: how many, and the first of them with its spans.
pub fn ensure_complete(
    store: &Store,
    traces: &[TraceId],
    expected: &SpansPerService<'_>,
) -> Result<()> {
    let expected: BTreeMap<_, _> = expected
        .iter()
        .map(|(service, n)| ((*service).to_owned(), *n))
        .collect();
    let incomplete = traces
        .iter()
        .filter(|id| span_counts(store, **id) != expected);
    let incomplete: Vec<_> = incomplete.collect();
    let Some(id) = incomplete.first() else {
        return Ok(());
    };
    let waterfall = match store.trace(**id) {
        Some(trace) => trace_contract::waterfall(&trace),
        None => "no span of it was received".to_owned(),
    };
    bail!(
        "{} of {} traces are incomplete: each must have {expected:?} spans, but {id} has {:?}\n{waterfall}",
        incomplete.len(),
        traces.len(),
        span_counts(store, **id)
    )
}

/// The number of distinct spans of each service.
fn span_counts(store: &Store, id: TraceId) -> BTreeMap<String, usize> {
    let mut services = BTreeMap::<_, HashSet<_>>::new();
    let trace = store.trace(id);
    for span in trace.iter().flat_map(Trace::spans) {
        let service = services.entry(span.service().to_owned()).or_default();
        service.insert(span.span_id);
    }
    let counts = services.into_iter();
    counts.map(|(service, ids)| (service, ids.len())).collect()
}

/// Sends SIGTERM to both services concurrently, and returns the final span counts of the
/// gateway and of hello.
///
/// # Errors
/// If one has exited before, does not exit with status 0, or logs no final counts.
pub async fn shut_down(system: &mut System) -> Result<[SpanCounts; 2]> {
    system.gateway.process().signal(Signal::TERM)?;
    let hello = system.hello.terminate().await;
    let gateway = system.gateway.process().wait(SHUTDOWN_TIMEOUT).await;
    for (name, status) in [("gateway", gateway?), ("hello", hello?)] {
        ensure!(
            status.success(),
            "after SIGTERM, {name} must exit with status 0, but it exited with {status}\n{}",
            system.report()
        );
    }
    Ok([system.gateway.final_counts()?, system.hello.final_counts()?])
}
