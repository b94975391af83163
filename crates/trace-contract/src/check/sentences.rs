//! Describes each difference between the trees in one sentence that names the edge or
//! the field.

use super::alignment::{Aligned, Alignment};
use super::difference::{Anchor, Difference, DifferenceKind};
use super::expectation::Expectation;
use super::fields::FieldDifference;
use crate::contract::SpanContract;
use crate::ids::SpanId;
use crate::model::{Forest, Span, Trace};
use crate::text::{plural, printable};

/// All differences between the trees, in the order of the trees.
pub(super) fn describe(
    alignment: &Alignment<'_>,
    forest: &Forest<'_>,
    trace: &Trace,
    expectation: &Expectation,
) -> Vec<Difference> {
    if trace.spans().is_empty() {
        return vec![nothing_arrived(alignment.roots.first(), trace)];
    }
    let mut walk = Walk {
        forest,
        found: Vec::new(),
    };
    let roots = alignment.roots.iter();
    let paired = roots.clone().filter_map(|root| match root {
        Aligned::Pair { span, .. } => Some(*span),
        _ => None,
    });
    if let (Some(problem), Some(span)) = (alignment.root_parent, paired.clone().next()) {
        walk.found.push(wrong_root_parent(span, problem));
    }
    roots.for_each(|root| walk.visit(None, root));
    let mut found = walk.found;
    let root_parent = paired.clone().find_map(|span| span.parent);
    for other in &alignment.others {
        found.extend(other_root(other, root_parent, expectation));
    }
    if alignment.roots.len() > 1
        && let (Some(caller), Some(root)) = (expectation.parent, paired.clone().next())
        && paired.clone().all(|span| span.parent != Some(caller))
    {
        let problem = "and all other roots: none is a child of the caller";
        found.push(wrong_root_parent(root, problem));
    }
    found.extend(alignment.in_cycles.iter().map(|span| in_cycle(span)));
    let conflicts = trace.conflicts().iter();
    found.extend(conflicts.map(|span| conflict(span, forest)));
    found
}

fn nothing_arrived(root: Option<&Aligned<'_>>, trace: &Trace) -> Difference {
    let (title, anchor) = match root {
        Some(Aligned::Missing { node, .. }) => (node.title(), Anchor::node(node)),
        _ => (String::new(), Anchor::Nowhere),
    };
    let message = format!("no span of trace {} arrived: expected {title}", trace.id());
    Difference::new(DifferenceKind::NothingArrived, message, anchor)
}

fn wrong_root_parent(root: &Span, problem: &str) -> Difference {
    let message = format!("root {} {problem}", root.title());
    let anchor = Anchor::Span(root.span_id);
    Difference::new(DifferenceKind::RootParent, message, anchor)
}

/// The parent of a span, as the report names it.
struct Parent {
    service: String,
    title: String,
}

struct Walk<'a> {
    forest: &'a Forest<'a>,
    found: Vec<Difference>,
}

impl Walk<'_> {
    fn visit(&mut self, parent: Option<&Parent>, aligned: &Aligned<'_>) {
        match aligned {
            Aligned::Pair {
                node,
                span,
                fields,
                misplaced,
                children,
            } => {
                if *misplaced {
                    self.found.push(wrong_parent(parent, span, self.forest));
                }
                self.found.extend(fields.iter().map(|it| field(it, span)));
                let own = as_parent(node, span);
                for child in children {
                    self.visit(Some(&own), child);
                }
            }
            Aligned::Missing {
                node,
                found,
                required,
                children,
                ..
            } => {
                self.found.push(missing(parent, node, *found, *required));
                let own = Parent {
                    service: node.service.to_string(),
                    title: node.title(),
                };
                // The spans below are missing, too, which needs no further sentence.
                let children = children.iter();
                for child in children.filter(|it| !matches!(it, Aligned::Missing { .. })) {
                    self.visit(Some(&own), child);
                }
            }
            Aligned::Extra {
                span,
                allowed: false,
                compared_elsewhere: false,
                descendants,
                ..
            } => self.found.push(extra(parent, span, *descendants)),
            Aligned::Extra { .. } => {}
        }
    }
}

/// A paired span as the parent of others. If its service is wrong, the edges to its
/// children are named after the expected service.
fn as_parent(node: &SpanContract, span: &Span) -> Parent {
    let service = if node.service.accepts(span.service()) {
        printable(span.service()).into_owned()
    } else {
        node.service.to_string()
    };
    Parent {
        service,
        title: span.title(),
    }
}

fn missing(
    parent: Option<&Parent>,
    node: &SpanContract,
    found: usize,
    required: usize,
) -> Difference {
    let service = node.service.to_string();
    let problem = if required == 1 {
        format!("no {service} {} span", node.kind)
    } else {
        format!("only {found} of {required} {service} {} spans", node.kind)
    };
    let place = match parent {
        Some(parent) => format!("below {}", parent.title),
        None => "at the root".to_owned(),
    };
    let edge = edge(parent, &service);
    let message = format!("{edge}: {problem} {place}; expected {}", node.title());
    Difference::new(DifferenceKind::Missing, message, Anchor::node(node))
}

fn wrong_parent(parent: Option<&Parent>, span: &Span, forest: &Forest<'_>) -> Difference {
    let actual = match span.parent {
        None => "has no parent".to_owned(),
        Some(id) => match forest.index(id) {
            Some(found) => format!("is below {}", forest.span(found).title()),
            None => format!("has the parent {id}, which is not in the trace"),
        },
    };
    let expected = match parent {
        Some(parent) => format!("below {}", parent.title),
        None => "at the root".to_owned(),
    };
    let edge = edge(parent, span.service());
    let title = span.title();
    Difference::new(
        DifferenceKind::WrongParent,
        format!("{edge}: wrong parent: {title} {actual}; expected {expected}"),
        Anchor::Span(span.span_id),
    )
}

fn extra(parent: Option<&Parent>, span: &Span, descendants: usize) -> Difference {
    let place = match parent {
        Some(parent) => format!(" below {}", parent.title),
        None => String::new(),
    };
    let below = match descendants {
        0 => String::new(),
        _ => format!(", with {} below it", plural(descendants, "span")),
    };
    let edge = edge(parent, span.service());
    Difference::new(
        DifferenceKind::Extra,
        format!("{edge}: extra span {}{place}{below}", span.title()),
        Anchor::Span(span.span_id),
    )
}

/// `gateway → hello`, or `gateway` within one service and at the root.
fn edge(parent: Option<&Parent>, service: &str) -> String {
    let service = printable(service);
    match parent {
        Some(parent) if parent.service != service => format!("{} → {service}", parent.service),
        _ => service.into_owned(),
    }
}

fn field(difference: &FieldDifference, span: &Span) -> Difference {
    let FieldDifference {
        field,
        expected,
        actual,
        ..
    } = difference;
    let title = span.title();
    Difference::new(
        DifferenceKind::Field,
        format!("{field} of {title}: expected {expected}, got {actual}"),
        Anchor::Field(span.span_id, field.clone()),
    )
}

/// A second root or an orphan.
fn other_root(
    other: &Aligned<'_>,
    root_parent: Option<SpanId>,
    expectation: &Expectation,
) -> Option<Difference> {
    let Aligned::Extra {
        span,
        compared_elsewhere: false,
        ..
    } = other
    else {
        return None;
    };
    let title = span.title();
    let (kind, message) = match span.parent {
        None => (
            DifferenceKind::SecondRoot,
            format!("second root: {title} has no parent"),
        ),
        Some(parent) if Some(parent) == expectation.parent || Some(parent) == root_parent => (
            DifferenceKind::SecondRoot,
            format!("second root: {title} is a child of the caller, too"),
        ),
        Some(parent) => (
            DifferenceKind::Orphan,
            format!("orphan: {title} has the parent {parent}, which is not in the trace"),
        ),
    };
    Some(Difference::new(kind, message, Anchor::Span(span.span_id)))
}

pub(super) fn in_cycle(span: &Span) -> Difference {
    let title = span.title();
    Difference::new(
        DifferenceKind::Cycle,
        format!("cycle: {title} is its own ancestor, or a descendant of such a span"),
        Anchor::Nowhere,
    )
}

pub(super) fn conflict(span: &Span, forest: &Forest<'_>) -> Difference {
    let other = forest.index(span.span_id);
    let other = other.map(|index| forest.span(index).title());
    Difference::new(
        DifferenceKind::Conflict,
        format!(
            "two different spans with the id {}: {} and {}",
            span.span_id,
            other.unwrap_or_default(),
            span.title()
        ),
        Anchor::Span(span.span_id),
    )
}
