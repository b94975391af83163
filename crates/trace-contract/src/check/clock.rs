//! Finds impossible times: a span that ends before it starts, or starts before its
//! parent.

use std::collections::HashMap;
use std::time::Duration;

use super::difference::{Anchor, Difference, DifferenceKind};
use super::expectation::Expectation;
use crate::ids::SpanId;
use crate::model::{Span, Trace};

/// All spans with impossible times.
pub(super) fn differences(trace: &Trace, expectation: &Expectation) -> Vec<Difference> {
    let spans = trace.spans().iter();
    let by_id: HashMap<SpanId, &Span> = spans.map(|span| (span.span_id, span)).collect();
    let parent = |span: &Span| by_id.get(&span.parent?).copied();
    trace
        .spans()
        .iter()
        .flat_map(|span| {
            [
                ends_early(span),
                starts_early(span, parent(span), expectation),
            ]
        })
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

fn starts_early(
    span: &Span,
    parent: Option<&Span>,
    expectation: &Expectation,
) -> Option<Difference> {
    let parent = parent?;
    let early = Duration::from_nanos(parent.start.checked_sub(span.start)?);
    let (allowed, parent_is) = if same_instance(span, parent) {
        (
            expectation.same_instance_skew,
            "its parent in the same instance,",
        )
    } else {
        (expectation.clock_skew, "its parent")
    };
    if early <= allowed {
        return None;
    }
    Some(difference(
        span,
        format!(
            "clock: {} starts {early:?} before {parent_is} {} (allowed: {allowed:?})",
            span.title(),
            parent.title()
        ),
    ))
}

fn difference(span: &Span, message: String) -> Difference {
    Difference::new(DifferenceKind::Clock, message, Anchor::Span(span.span_id))
}

/// Whether one process created both spans: compared by `service.instance.id` if both
/// have one, otherwise by the complete resource.
fn same_instance(a: &Span, b: &Span) -> bool {
    const INSTANCE: &str = "service.instance.id";
    match (a.resource.get(INSTANCE), b.resource.get(INSTANCE)) {
        (Some(one), Some(other)) => one == other && a.service() == b.service(),
        // Replicas without an instance id may have equal resources and different
        // clocks, unless the resource identifies the process or the host.
        (None, None) => a.resource == b.resource && identifies_process(a),
        _ => false,
    }
}

fn identifies_process(span: &Span) -> bool {
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
