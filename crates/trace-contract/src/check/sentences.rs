//! What differs between the trees, each in one sentence that names the edge or
//! the field.

use super::Expectation;
use super::align::{Aligned, Alignment};
use super::difference::{Anchor, Difference, DifferenceKind};
use super::fields::FieldDifference;
use crate::contract::SpanContract;
use crate::ids::SpanId;
use crate::model::{Span, Trace, printable};

/// All that differs between the trees, in their order.
pub(super) fn collect(
    alignment: &Alignment<'_>,
    trace: &Trace,
    expectation: &Expectation,
) -> Vec<Difference> {
    let mut found = Vec::new();
    if trace.spans().is_empty() {
        return vec![nothing_arrived(&alignment.root, trace)];
    }
    if let (Some(problem), Aligned::Pair { span, .. }) = (alignment.root_parent, &alignment.root) {
        let message = format!("root {} {problem}", span.title());
        let anchor = Anchor::Span(span.span_id);
        found.push(Difference::new(DifferenceKind::RootParent, message, anchor));
    }
    Walk {
        trace,
        found: &mut found,
    }
    .visit(None, &alignment.root);
    let root_parent = root_parent(&alignment.root);
    for other in &alignment.others {
        found.extend(beside_root(other, root_parent, expectation));
    }
    found.extend(alignment.in_rings.iter().map(|span| in_ring(span)));
    found.extend(trace.conflicts().iter().map(|span| conflict(span, trace)));
    found
}

fn nothing_arrived(root: &Aligned<'_>, trace: &Trace) -> Difference {
    let (title, anchor) = match root {
        Aligned::Missing { node, .. } => (node.title(), Anchor::node(node)),
        _ => (String::new(), Anchor::Nowhere),
    };
    let message = format!("no span of trace {} arrived: expected {title}", trace.id());
    Difference::new(DifferenceKind::NothingArrived, message, anchor)
}

fn root_parent(root: &Aligned<'_>) -> Option<SpanId> {
    match root {
        Aligned::Pair { span, .. } => span.parent,
        _ => None,
    }
}

/// Whose child a span is: the service, and the words for the report.
struct Parent {
    service: String,
    title: String,
}

struct Walk<'a> {
    trace: &'a Trace,
    found: &'a mut Vec<Difference>,
}

impl Walk<'_> {
    fn visit(&mut self, parent: Option<&Parent>, aligned: &Aligned<'_>) {
        match aligned {
            Aligned::Pair {
                node,
                span,
                fields,
                moved,
                children,
            } => {
                if *moved {
                    self.found.push(wrong_parent(parent, span, self.trace));
                }
                self.found.extend(fields.iter().map(|it| field(it, span)));
                let own = if fields.iter().any(|it| it.field == "service") {
                    // What its children are missed by is the service that is meant.
                    Parent {
                        service: node.service.to_string(),
                        title: span.title(),
                    }
                } else {
                    Parent {
                        service: printable(span.service()).into_owned(),
                        title: span.title(),
                    }
                };
                for child in children {
                    self.visit(Some(&own), child);
                }
            }
            Aligned::Missing {
                node,
                have,
                need,
                children,
            } => {
                self.found.push(missing(parent, node, *have, *need));
                // Those below are missing with it; only what is elsewhere is told.
                let own = Parent {
                    service: node.service.to_string(),
                    title: node.title(),
                };
                let told = |it: &&Aligned<'_>| !matches!(it, Aligned::Missing { .. });
                children
                    .iter()
                    .filter(told)
                    .for_each(|it| self.visit(Some(&own), it));
            }
            Aligned::Extra { allowed: true, .. }
            | Aligned::Extra {
                elsewhere: true, ..
            } => {}
            Aligned::Extra { span, below, .. } => {
                self.found.push(extra(parent, span, *below));
            }
        }
    }
}

fn missing(parent: Option<&Parent>, node: &SpanContract, have: usize, need: usize) -> Difference {
    let service = node.service.to_string();
    let what = if need == 1 {
        format!("no {service} {} span", node.kind)
    } else {
        format!("only {have} of {need} {service} {} spans", node.kind)
    };
    let message = match parent {
        Some(parent) => format!(
            "{}: {what} below {}; expected {}",
            edge(&parent.service, &service),
            parent.title,
            node.title()
        ),
        None => format!("{service}: {what} at the root; expected {}", node.title()),
    };
    Difference::new(DifferenceKind::Missing, message, Anchor::node(node))
}

fn wrong_parent(parent: Option<&Parent>, span: &Span, trace: &Trace) -> Difference {
    let is = match span.parent {
        None => "has no parent".to_owned(),
        Some(id) => match trace.span(id) {
            Some(found) => format!("is below {}", found.title()),
            None => format!("has the parent {id}, which is not in the trace"),
        },
    };
    let (edge, expected) = match parent {
        Some(parent) => (
            edge(&parent.service, &printable(span.service())),
            format!("below {}", parent.title),
        ),
        None => (
            printable(span.service()).into_owned(),
            "at the root".to_owned(),
        ),
    };
    Difference::new(
        DifferenceKind::WrongParent,
        format!(
            "{edge}: wrong parent: {} {is}; expected {expected}",
            span.title()
        ),
        Anchor::Span(span.span_id),
    )
}

fn extra(parent: Option<&Parent>, span: &Span, below: usize) -> Difference {
    let more = match below {
        0 => String::new(),
        1 => ", with 1 span below it".to_owned(),
        _ => format!(", with {below} spans below it"),
    };
    let place = match parent {
        Some(parent) => format!(" below {}", parent.title),
        None => String::new(),
    };
    let edge = match parent {
        Some(parent) => edge(&parent.service, &printable(span.service())),
        None => printable(span.service()).into_owned(),
    };
    Difference::new(
        DifferenceKind::Extra,
        format!("{edge}: extra span {}{place}{more}", span.title()),
        Anchor::Span(span.span_id),
    )
}

fn field(difference: &FieldDifference, span: &Span) -> Difference {
    let FieldDifference {
        field,
        expected,
        got,
        ..
    } = difference;
    Difference::new(
        DifferenceKind::Field,
        format!(
            "{field} of {}: expected {expected}, got {got}",
            span.title()
        ),
        Anchor::Field(span.span_id, field.clone()),
    )
}

fn beside_root(
    other: &Aligned<'_>,
    root_parent: Option<SpanId>,
    expectation: &Expectation,
) -> Option<Difference> {
    let Aligned::Extra {
        span,
        elsewhere: false,
        ..
    } = other
    else {
        return None;
    };
    let (kind, message) = match span.parent {
        None => (
            DifferenceKind::SecondRoot,
            format!("second root: {} has no parent", span.title()),
        ),
        Some(parent) if Some(parent) == expectation.parent || Some(parent) == root_parent => (
            DifferenceKind::SecondRoot,
            format!(
                "second root: {} is a child of the caller, too",
                span.title()
            ),
        ),
        Some(parent) => (
            DifferenceKind::Orphan,
            format!(
                "orphan: {} has the parent {parent}, which is not in the trace",
                span.title()
            ),
        ),
    };
    Some(Difference::new(kind, message, Anchor::Span(span.span_id)))
}

fn in_ring(span: &Span) -> Difference {
    Difference::new(
        DifferenceKind::Ring,
        format!(
            "ring: {} is below itself, or below such a span",
            span.title()
        ),
        Anchor::Nowhere,
    )
}

fn conflict(span: &Span, trace: &Trace) -> Difference {
    let other = trace.span(span.span_id).map(Span::title);
    Difference::new(
        DifferenceKind::Conflict,
        format!(
            "two spans with the id {}: {} and {} (not one that was sent twice: they differ)",
            span.span_id,
            other.unwrap_or_default(),
            span.title()
        ),
        Anchor::Span(span.span_id),
    )
}

/// `gateway → hello`, or `gateway` within one service.
fn edge(from: &str, to: &str) -> String {
    if from == to {
        from.to_owned()
    } else {
        format!("{from} → {to}")
    }
}
