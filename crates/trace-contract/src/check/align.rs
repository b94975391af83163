//! Lays the contract's tree over the spans' trees so that least differs.

use std::collections::HashMap;

use super::Expectation;
use super::assign::{Assignment, Costs, assign};
use super::fields::{self, FieldDifference};
use super::forest::Forest;
use super::moved;
use crate::contract::SpanContract;
use crate::model::{Span, Trace};

/// What it costs to miss a span or to have one too many, each.
const SPAN: i64 = 100;
/// However much differs in one span, its attributes do not make it another one.
const FIELDS_AT_MOST: i64 = 40;
/// Spans that nobody declared may be nested without end; nobody reads further.
const DEEPEST_EXTRA: usize = 100;
/// Costs stay far from overflow, whatever `repeat` says.
const AT_MOST: i64 = 1 << 40;

/// A contract's tree laid over a trace.
pub(crate) struct Alignment<'a> {
    /// The root of the contract.
    pub(crate) root: Aligned<'a>,
    /// Spans without a parent in the trace, beside the root.
    pub(crate) others: Vec<Aligned<'a>>,
    /// Spans that are their own ancestors.
    pub(crate) in_rings: Vec<&'a Span>,
    /// What is wrong with the parent of the root.
    pub(crate) root_parent: Option<&'static str>,
}

/// One line of the comparison.
pub(crate) enum Aligned<'a> {
    /// A span that is the node's, though it may differ.
    Pair {
        node: &'a SpanContract,
        span: &'a Span,
        fields: Vec<FieldDifference>,
        /// Whether it stands elsewhere in the trace than it should.
        moved: bool,
        children: Vec<Aligned<'a>>,
    },
    /// No span is the node's.
    Missing {
        node: &'a SpanContract,
        /// How many of the node's spans are there, and how many must be.
        have: usize,
        need: usize,
        children: Vec<Aligned<'a>>,
    },
    /// No node wants the span.
    Extra {
        span: &'a Span,
        /// Whether its parent says `more: true`.
        allowed: bool,
        /// Whether it was found to belong elsewhere, where it is compared.
        elsewhere: bool,
        /// How many spans are below it.
        below: usize,
        /// Those below it, down to a depth that can be shown.
        children: Vec<Aligned<'a>>,
    },
}

pub(super) fn align<'a>(
    root: &'a SpanContract,
    trace: &'a Trace,
    expectation: &'a Expectation,
) -> Alignment<'a> {
    let mut nodes = vec![root];
    let mut next = 0;
    while let Some(node) = nodes.get(next) {
        nodes.extend(&node.children);
        next += 1;
    }
    let mut aligner = Aligner {
        nodes,
        forest: Forest::new(trace),
        expectation,
        costs: HashMap::new(),
    };
    let tops = aligner.forest.tops().to_vec();
    let chosen = tops
        .iter()
        .copied()
        .min_by_key(|top| (!aligner.is_root(*top), aligner.cost(root, *top)));
    let mut alignment = Alignment {
        root: match chosen {
            Some(top) => aligner.pair(root, top),
            None => missing(root, 0, 1),
        },
        others: tops
            .iter()
            .filter(|top| Some(**top) != chosen)
            .map(|top| aligner.extra(*top, false, 0))
            .collect(),
        in_rings: aligner
            .forest
            .in_rings()
            .map(|place| aligner.forest.span(place))
            .collect(),
        root_parent: chosen
            .filter(|top| !aligner.is_root(*top))
            .map(|top| aligner.wrong_parent(top)),
    };
    moved::find(&mut alignment, &mut aligner);
    alignment
}

pub(super) struct Aligner<'a> {
    /// All nodes of the contract.
    nodes: Vec<&'a SpanContract>,
    pub(super) forest: Forest<'a>,
    expectation: &'a Expectation,
    /// By node (its address) and span: what differs in them and below.
    costs: HashMap<(*const SpanContract, usize), i64>,
}

impl Aligned<'_> {
    /// What stands below it.
    pub(crate) fn children(&self) -> &[Self] {
        match self {
            Self::Pair { children, .. }
            | Self::Missing { children, .. }
            | Self::Extra { children, .. } => children,
        }
    }
}

impl<'a> Aligner<'a> {
    /// Whether the span's parent is what the root's must be.
    fn is_root(&self, top: usize) -> bool {
        let parent = self.forest.span(top).parent;
        match self.expectation.parent {
            Some(caller) => parent == Some(caller),
            None => !self.expectation.new_trace || parent.is_none(),
        }
    }

    fn wrong_parent(&self, top: usize) -> &'static str {
        let parent = self.forest.span(top).parent;
        match (self.expectation.parent, parent) {
            (Some(_), None) => "has no parent: the caller's traceparent was not taken up",
            (Some(_), Some(_)) => "has a parent that is neither in the trace nor the caller",
            (None, _) => "has a parent outside of the trace, where a new trace was expected",
        }
    }

    fn cost(&mut self, node: &'a SpanContract, place: usize) -> i64 {
        let key = (std::ptr::from_ref(node), place);
        if let Some(known) = self.costs.get(&key) {
            return *known;
        }
        let fields = fields::differences(node, self.forest.span(place), self.expectation);
        let (_, assignment) = self.assign_children(node, place);
        let cost = (weight(&fields) + assignment.cost).min(AT_MOST);
        self.costs.insert(key, cost);
        cost
    }

    fn assign_children(
        &mut self,
        node: &'a SpanContract,
        place: usize,
    ) -> (Vec<usize>, Assignment) {
        let spans = self.forest.children(place).to_vec();
        let missing: Vec<i64> = node.children.iter().map(missing_cost).collect();
        let extra: Vec<i64> = spans
            .iter()
            .map(|span| if node.more { 0 } else { self.extra_cost(*span) })
            .collect();
        let mut pair = Vec::with_capacity(spans.len());
        for span in &spans {
            let most = self.extra_cost(*span);
            let row = node.children.iter().zip(&missing).map(|(child, missing)| {
                if !self.may_be(child, *span) {
                    return None;
                }
                let cost = self.cost(child, *span);
                // Past this they are two spans: one that is missing, one too many.
                (cost <= most + missing).then_some(cost)
            });
            pair.push(row.collect());
        }
        let times = node.children.iter().map(SpanContract::times).collect();
        let assignment = assign(&Costs {
            pair,
            extra,
            missing,
            times,
        });
        (spans, assignment)
    }

    /// Whether the span may be the node's at all. With two of service, kind and
    /// name different, or when another node means it, it is not: else a span
    /// that is missing in the middle of a chain would rename all below it.
    fn may_be(&self, node: &SpanContract, place: usize) -> bool {
        let span = self.forest.span(place);
        match fields::strangeness(node, span) {
            0 => true,
            1 => !self.nodes.iter().any(|it| fields::is_meant(it, span)),
            _ => false,
        }
    }

    fn extra_cost(&self, place: usize) -> i64 {
        SPAN * i64::try_from(self.forest.size(place)).unwrap_or(AT_MOST / SPAN)
    }

    pub(super) fn pair(&mut self, node: &'a SpanContract, place: usize) -> Aligned<'a> {
        let (spans, assignment) = self.assign_children(node, place);
        let given_to = |wanted: Option<usize>| {
            let given = spans.iter().zip(&assignment.node_of);
            let given = given.filter(move |(_, node)| **node == wanted);
            given.map(|(span, _)| *span).collect::<Vec<_>>()
        };
        let mut children = Vec::new();
        for (i, child) in node.children.iter().enumerate() {
            let have = given_to(Some(i));
            let (need, _) = child.times();
            children.extend(have.iter().map(|span| self.pair(child, *span)));
            if have.len() < need {
                children.push(missing(child, have.len(), need));
            }
        }
        let left_over = given_to(None).into_iter();
        children.extend(left_over.map(|span| self.extra(span, node.more, 0)));
        let span = self.forest.span(place);
        Aligned::Pair {
            node,
            span,
            fields: fields::differences(node, span, self.expectation),
            moved: false,
            children,
        }
    }

    fn extra(&self, place: usize, allowed: bool, depth: usize) -> Aligned<'a> {
        let below: &[usize] = if depth < DEEPEST_EXTRA {
            self.forest.children(place)
        } else {
            &[]
        };
        Aligned::Extra {
            span: self.forest.span(place),
            allowed,
            elsewhere: false,
            below: self.forest.size(place) - 1,
            children: below
                .iter()
                .map(|child| self.extra(*child, allowed, depth + 1))
                .collect(),
        }
    }
}

fn missing(node: &SpanContract, have: usize, need: usize) -> Aligned<'_> {
    Aligned::Missing {
        node,
        have,
        need,
        children: node
            .children
            .iter()
            .filter(|child| child.times().0 > 0)
            .map(|child| missing(child, 0, child.times().0))
            .collect(),
    }
}

/// What it costs to miss one span of the node, with those that must be below it.
fn missing_cost(node: &SpanContract) -> i64 {
    let below: i64 = node
        .children
        .iter()
        .map(|child| {
            let times = i64::try_from(child.times().0).unwrap_or(AT_MOST);
            missing_cost(child).saturating_mul(times)
        })
        .fold(0, i64::saturating_add);
    below.saturating_add(SPAN).min(AT_MOST)
}

fn weight(fields: &[FieldDifference]) -> i64 {
    let (identity, others): (Vec<_>, Vec<_>) = fields
        .iter()
        .map(|field| field.weight)
        .partition(|weight| *weight > FIELDS_AT_MOST);
    identity.iter().sum::<i64>() + others.iter().sum::<i64>().min(FIELDS_AT_MOST)
}
