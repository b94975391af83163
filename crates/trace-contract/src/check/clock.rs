//! Clocks that run backwards: a span that ends before it starts, or starts
//! before the span that caused it.

use std::collections::HashMap;
use std::time::Duration;

use super::difference::{Anchor, Difference, DifferenceKind};
use crate::ids::SpanId;
use crate::model::{Span, Trace};

/// What may be between two spans of one instance: some stores keep
/// microseconds, and round.
const SAME_CLOCK: Duration = Duration::from_micros(1);

/// All spans of the trace whose times cannot be. `skew` is what the clocks of
/// different instances may be apart.
pub(super) fn backwards(trace: &Trace, skew: Duration) -> Vec<Difference> {
    let spans = trace.spans().iter();
    let by_id: HashMap<SpanId, &Span> = spans.map(|span| (span.span_id, span)).collect();
    let parent = |span: &Span| by_id.get(&span.parent?).copied();
    trace
        .spans()
        .iter()
        .flat_map(|span| [ends_early(span), starts_early(span, parent(span), skew)])
        .flatten()
        .collect()
}

fn ends_early(span: &Span) -> Option<Difference> {
    let early = span
        .start
        .checked_sub(span.end)
        .filter(|early| *early > 0)?;
    Some(difference(
        span,
        format!(
            "clock: {} ends {:?} before it starts",
            span.title(),
            Duration::from_nanos(early)
        ),
    ))
}

fn starts_early(span: &Span, parent: Option<&Span>, skew: Duration) -> Option<Difference> {
    let parent = parent?;
    let early = Duration::from_nanos(parent.start.checked_sub(span.start)?);
    let (allowed, whose) = if same_instance(span, parent) {
        (SAME_CLOCK, "the same instance's")
    } else {
        (skew, "its parent")
    };
    if early <= allowed {
        return None;
    }
    Some(difference(
        span,
        format!(
            "clock: {} starts {early:?} before {whose} {} (allowed: {allowed:?})",
            span.title(),
            parent.title()
        ),
    ))
}

fn difference(span: &Span, message: String) -> Difference {
    Difference::new(DifferenceKind::Clock, message, Anchor::Span(span.span_id))
}

/// Whether one process made both: by `service.instance.id` where there is one,
/// else by the whole resource.
fn same_instance(a: &Span, b: &Span) -> bool {
    const INSTANCE: &str = "service.instance.id";
    match (a.resource.get(INSTANCE), b.resource.get(INSTANCE)) {
        (Some(one), Some(other)) => one == other && a.service() == b.service(),
        // Replicas without an id may share a resource and not a clock, unless
        // they tell the process or the host.
        (None, None) => a.resource == b.resource && tells_process(a),
        _ => false,
    }
}

fn tells_process(span: &Span) -> bool {
    [
        "process.pid",
        "host.name",
        "host.id",
        "k8s.pod.name",
        "container.id",
    ]
    .iter()
    .any(|key| span.resource.contains_key(*key))
}
