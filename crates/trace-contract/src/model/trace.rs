//! All spans of one trace, each once.

use std::collections::{BTreeMap, BTreeSet};

use super::Span;
use crate::ids::{SpanId, TraceId};

/// The spans of one trace, in the order of their start.
///
/// A span that arrived more than once with the same content is in it once: a
/// batch that is sent again after a timeout is no fault of the trace. Spans that
/// share an id and differ are kept apart, as conflicts.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    id: TraceId,
    spans: Vec<Span>,
    conflicts: Vec<Span>,
}

impl Trace {
    /// The trace `id` out of `spans`; spans of other traces are left out.
    pub fn new(id: TraceId, spans: impl IntoIterator<Item = Span>) -> Self {
        let mut first: BTreeMap<SpanId, Span> = BTreeMap::new();
        let mut conflicts = Vec::new();
        for span in spans.into_iter().filter(|span| span.trace_id == id) {
            match first.get(&span.span_id) {
                Some(same) if *same == span => {}
                Some(_) if conflicts.contains(&span) => {}
                Some(_) => conflicts.push(span),
                None => {
                    first.insert(span.span_id, span);
                }
            }
        }
        let mut spans: Vec<Span> = first.into_values().collect();
        spans.sort_by(in_order);
        Self {
            id,
            spans,
            conflicts,
        }
    }

    /// The trace's id.
    pub fn id(&self) -> TraceId {
        self.id
    }

    /// The spans, each id once, in the order of their start.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Spans whose id another span of the trace has, with other content.
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

    /// The spans that have no parent in the trace: its root, and, in a trace
    /// that is broken or not yet whole, orphans.
    pub fn tops(&self) -> impl Iterator<Item = &Span> {
        let ids: BTreeSet<SpanId> = self.spans.iter().map(|span| span.span_id).collect();
        self.spans
            .iter()
            .filter(move |span| span.parent.is_none_or(|parent| !ids.contains(&parent)))
    }

    /// The names of the services that have spans in the trace.
    pub fn services(&self) -> BTreeSet<&str> {
        self.spans.iter().map(Span::service).collect()
    }

    /// From the first start to the last end, in nanoseconds since 1970.
    pub fn extent(&self) -> (u64, u64) {
        let start = self.spans.iter().map(|span| span.start).min();
        let end = self.spans.iter().map(|span| span.end).max();
        let start = start.unwrap_or(0);
        (start, end.unwrap_or(0).max(start))
    }
}

/// By start; what starts at once, by what it is, so that two runs of the same
/// request give the same order although their ids differ.
fn in_order(a: &Span, b: &Span) -> std::cmp::Ordering {
    (a.start, a.service(), a.kind, &a.name, a.span_id).cmp(&(
        b.start,
        b.service(),
        b.kind,
        &b.name,
        b.span_id,
    ))
}
