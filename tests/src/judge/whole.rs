//! Whether traces are whole, span by span.

use std::collections::{BTreeMap, HashSet};

use anyhow::{Result, bail};
use trace_contract::{Store, Trace, TraceId};

/// How many spans each service has in a trace.
pub type SpansOf<'a> = [(&'a str, usize)];

/// The spans of `GET /hello` at the gateway.
pub const HELLO: &SpansOf<'static> = &[("gateway", 5), ("hello", 3)];
/// The spans of `GET /greetings/{name}` at hello.
pub const GREETING: &SpansOf<'static> = &[("gateway", 2), ("hello", 3)];

/// Holds each of the traces to so many distinct spans of each service.
///
/// # Errors
/// How many are not so, and the first of these with its spans.
pub fn whole(store: &Store, traces: &[TraceId], expected: &SpansOf<'_>) -> Result<()> {
    let mut broken = Vec::new();
    for id in traces {
        let seen = spans(store, *id);
        let is_whole = |(service, count): &(&str, usize)| seen.get(*service) == Some(count);
        if seen.len() != expected.len() || !expected.iter().all(is_whole) {
            broken.push((id, seen));
        }
    }
    let Some((id, seen)) = broken.first() else {
        return Ok(());
    };
    let shown = store
        .trace(**id)
        .map(|trace| trace_contract::waterfall(&trace));
    bail!(
        "{} of {} traces are not whole: each must have {expected:?} spans; {id} has {seen:?}\n{}",
        broken.len(),
        traces.len(),
        shown.unwrap_or_else(|| "nothing of it arrived".to_owned())
    )
}

/// The number of distinct spans of each service.
fn spans(store: &Store, id: TraceId) -> BTreeMap<String, usize> {
    let mut services = BTreeMap::<_, HashSet<_>>::new();
    let trace = store.trace(id);
    for span in trace.iter().flat_map(Trace::spans) {
        let service = services.entry(span.service().to_owned()).or_default();
        service.insert(span.span_id);
    }
    let counts = services.into_iter();
    counts.map(|(service, ids)| (service, ids.len())).collect()
}

/// All that several stores keep, as one store.
pub fn union(stores: &[Store]) -> Store {
    let all = Store::new();
    all.keep(usize::MAX);
    for store in stores {
        for trace in store
            .trace_ids()
            .into_iter()
            .filter_map(|id| store.trace(id))
        {
            all.add(trace.spans().to_vec());
        }
    }
    all
}
