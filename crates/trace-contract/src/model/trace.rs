//! All spans of one trace, without duplicates.

use std::collections::{BTreeMap, BTreeSet};

use super::span::Span;
use crate::ids::{SpanId, TraceId};

/// The spans of one trace, in the order of their start.
///
/// Identical copies of a span are merged, because an exporter may send a batch
/// again after a timeout. Different spans with the same id are kept separately,
/// as [`conflicts`](Trace::conflicts).
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    id: TraceId,
    spans: Vec<Span>,
    conflicts: Vec<Span>,
}

impl Trace {
    /// Collects the trace `id` from `spans` and ignores spans of other traces.
    pub fn new(id: TraceId, spans: impl IntoIterator<Item = Span>) -> Self {
        let mut first: BTreeMap<SpanId, Span> = BTreeMap::new();
        let mut conflicts = Vec::new();
        for span in spans.into_iter().filter(|span| span.trace_id == id) {
            match first.get(&span.span_id) {
                Some(known) if *known == span => {}
                Some(_) if conflicts.contains(&span) => {}
                Some(_) => conflicts.push(span),
                None => {
                    first.insert(span.span_id, span);
                }
            }
        }
        let mut spans: Vec<Span> = first.into_values().collect();
        spans.sort_by(by_start);
        Self {
            id,
            spans,
            conflicts,
        }
    }

    /// The trace id.
    pub fn id(&self) -> TraceId {
        self.id
    }

    /// The spans in the order of their start. Each span id occurs once.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Spans that have the id of another span, but other content.
    pub fn conflicts(&self) -> &[Span] {
        &self.conflicts
    }

    /// The span with this id.
    pub fn span(&self, id: SpanId) -> Option<&Span> {
        self.spans.iter().find(|span| span.span_id == id)
    }

    /// The spans whose parent is `id`, in the order of their start.
    pub fn children(&self, id: SpanId) -> impl Iterator<Item = &Span> {
        self.spans
            .iter()
            .filter(move |span| span.parent == Some(id))
    }

    /// The spans whose parent is not in the trace: the root and, if the trace is
    /// broken or incomplete, orphans.
    pub fn top_level_spans(&self) -> impl Iterator<Item = &Span> {
        let ids: BTreeSet<SpanId> = self.spans.iter().map(|span| span.span_id).collect();
        self.spans
            .iter()
            .filter(move |span| span.parent.is_none_or(|parent| !ids.contains(&parent)))
    }

    /// The names of the services that have spans in the trace.
    pub fn services(&self) -> BTreeSet<&str> {
        self.spans.iter().map(Span::service).collect()
    }

    /// The first start and the last end, in nanoseconds since 1970.
    pub fn time_range(&self) -> (u64, u64) {
        let start = self.spans.iter().map(|span| span.start).min();
        let end = self.spans.iter().map(|span| span.end).max();
        let start = start.unwrap_or(0);
        (start, end.unwrap_or(0).max(start))
    }
}

/// Orders spans by start. Spans that start at the same time are ordered by service,
/// kind and name, so that two runs of the same request have the same order although
/// their ids differ.
fn by_start(a: &Span, b: &Span) -> std::cmp::Ordering {
    (a.start, a.service(), a.kind, &a.name, a.span_id).cmp(&(
        b.start,
        b.service(),
        b.kind,
        &b.name,
        b.span_id,
    ))
}
