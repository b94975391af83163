//! Lays the contract's tree over the span tree so that they differ as little as
//! possible.

use std::collections::HashMap;

use super::alignment::{Aligned, Alignment};
use super::assign::{Assignment, Costs, assign};
use super::expectation::Expectation;
use super::fields::{self, FieldDifference};
use crate::contract::SpanContract;
use crate::model::{Forest, Span, Trace};

/// The cost of one missing span, and of one extra span.
const SPAN_COST: i64 = 100;
/// Different attributes do not make a span another span, however many there are.
const MAX_FIELDS_COST: i64 = 40;
/// Undeclared spans may be nested without limit; a reader does not look deeper.
const MAX_EXTRA_DEPTH: usize = 100;
/// Keeps sums of costs far from overflow, whatever `repeat` contains.
const MAX_COST: i64 = 1 << 40;

/// Compares one contract with one trace. Spans are identified by their index in
/// the [`Forest`].
pub(super) struct Aligner<'a> {
    root: &'a SpanContract,
    /// All nodes of the contract.
    nodes: Vec<&'a SpanContract>,
    pub(super) forest: Forest<'a>,
    expectation: &'a Expectation,
    /// By node (its address) and span: the cost of pairing them and all below them.
    costs: HashMap<(*const SpanContract, usize), i64>,
}

impl<'a> Aligner<'a> {
    pub(super) fn new(
        root: &'a SpanContract,
        trace: &'a Trace,
        expectation: &'a Expectation,
    ) -> Self {
        let mut nodes = vec![root];
        let mut next = 0;
        while let Some(node) = nodes.get(next) {
            nodes.extend(&node.children);
            next += 1;
        }
        Self {
            root,
            nodes,
            forest: Forest::new(trace),
            expectation,
            costs: HashMap::new(),
        }
    }

    /// Pairs the contract's root with the root span that fits best, and all nodes
    /// below it.
    pub(super) fn align(&mut self) -> Alignment<'a> {
        let candidates = self.forest.roots().to_vec();
        let chosen = candidates.iter().copied().min_by_key(|span| {
            (
                !self.has_expected_parent(*span),
                self.cost(self.root, *span),
            )
        });
        Alignment {
            root: match chosen {
                Some(span) => self.pair(self.root, span),
                None => missing(self.root, 0, 1),
            },
            others: candidates
                .iter()
                .filter(|span| Some(**span) != chosen)
                .map(|span| self.extra(*span, false, 0))
                .collect(),
            in_cycles: self
                .forest
                .in_cycles()
                .map(|span| self.forest.span(span))
                .collect(),
            root_parent: chosen
                .filter(|span| !self.has_expected_parent(*span))
                .map(|span| self.wrong_root_parent(span)),
        }
    }

    /// Whether the parent of a root span is as the expectation requires.
    fn has_expected_parent(&self, root: usize) -> bool {
        let parent = self.forest.span(root).parent;
        match self.expectation.parent {
            Some(caller) => parent == Some(caller),
            None => !self.expectation.new_trace || parent.is_none(),
        }
    }

    fn wrong_root_parent(&self, root: usize) -> &'static str {
        let parent = self.forest.span(root).parent;
        match (self.expectation.parent, parent) {
            (Some(_), None) => "has no parent: the service ignored the caller's traceparent",
            (Some(_), Some(_)) => "has a parent that is neither in the trace nor the caller",
            (None, _) => "has a parent outside of the trace; expected a new trace",
        }
    }

    /// Pairs the node with the span, and the nodes below it with the spans below it.
    pub(super) fn pair(&mut self, node: &'a SpanContract, index: usize) -> Aligned<'a> {
        let (spans, assignment) = self.assign_children(node, index);
        let assigned_to = |node: Option<usize>| -> Vec<usize> {
            let assigned = spans.iter().zip(&assignment.node_of);
            assigned
                .filter(|(_, assigned)| **assigned == node)
                .map(|(span, _)| *span)
                .collect()
        };
        let mut children = Vec::new();
        for (i, child) in node.children.iter().enumerate() {
            let found = assigned_to(Some(i));
            let (required, _) = child.occurrences();
            children.extend(found.iter().map(|span| self.pair(child, *span)));
            if found.len() < required {
                children.push(missing(child, found.len(), required));
            }
        }
        let unassigned = assigned_to(None).into_iter();
        children.extend(unassigned.map(|span| self.extra(span, node.more, 0)));
        let span = self.forest.span(index);
        Aligned::Pair {
            node,
            span,
            fields: fields::differences(node, span, self.expectation),
            misplaced: false,
            children,
        }
    }

    /// Assigns the children of the span to the children of the node. Returns the
    /// children of the span, too.
    fn assign_children(
        &mut self,
        node: &'a SpanContract,
        index: usize,
    ) -> (Vec<usize>, Assignment) {
        let spans = self.forest.children(index).to_vec();
        let missing: Vec<i64> = node.children.iter().map(missing_cost).collect();
        let extra: Vec<i64> = spans
            .iter()
            .map(|span| if node.more { 0 } else { self.extra_cost(*span) })
            .collect();
        let mut pair = Vec::with_capacity(spans.len());
        for span in &spans {
            let extra_cost = self.extra_cost(*span);
            let row = node.children.iter().zip(&missing).map(|(child, missing)| {
                if !self.can_pair(child, *span) {
                    return None;
                }
                let cost = self.cost(child, *span);
                // Beyond this they are two spans: one is missing, the other is extra.
                (cost <= extra_cost + missing).then_some(cost)
            });
            pair.push(row.collect());
        }
        let occurrences = node.children.iter().map(SpanContract::occurrences);
        let assignment = assign(&Costs {
            pair,
            extra,
            missing,
            occurrences: occurrences.collect(),
        });
        (spans, assignment)
    }

    /// Whether the span may belong to the node at all. Two differences in service,
    /// kind and name exclude it, and one does if the span fits another node:
    /// otherwise, a span that is missing in the middle of a chain would rename all
    /// spans below it.
    fn can_pair(&self, node: &SpanContract, index: usize) -> bool {
        let span = self.forest.span(index);
        match fields::identity_differences(node, span) {
            0 => true,
            1 => !self.fits_any_node(span),
            _ => false,
        }
    }

    fn fits_any_node(&self, span: &Span) -> bool {
        self.nodes
            .iter()
            .any(|node| fields::has_identity(node, span))
    }

    /// The cost of pairing the node with the span, and all below them.
    fn cost(&mut self, node: &'a SpanContract, index: usize) -> i64 {
        let key = (std::ptr::from_ref(node), index);
        if let Some(known) = self.costs.get(&key) {
            return *known;
        }
        let fields = fields::differences(node, self.forest.span(index), self.expectation);
        let (_, assignment) = self.assign_children(node, index);
        let cost = (fields_cost(&fields) + assignment.cost).min(MAX_COST);
        self.costs.insert(key, cost);
        cost
    }

    /// The cost of an extra span with all its descendants.
    fn extra_cost(&self, index: usize) -> i64 {
        SPAN_COST * i64::try_from(self.forest.size(index)).unwrap_or(MAX_COST / SPAN_COST)
    }

    fn extra(&self, index: usize, allowed: bool, depth: usize) -> Aligned<'a> {
        let children: &[usize] = if depth < MAX_EXTRA_DEPTH {
            self.forest.children(index)
        } else {
            &[]
        };
        Aligned::Extra {
            span: self.forest.span(index),
            allowed,
            compared_elsewhere: false,
            descendants: self.forest.size(index) - 1,
            children: children
                .iter()
                .map(|child| self.extra(*child, allowed, depth + 1))
                .collect(),
        }
    }
}

fn missing(node: &SpanContract, found: usize, required: usize) -> Aligned<'_> {
    Aligned::Missing {
        node,
        found,
        required,
        children: node
            .children
            .iter()
            .filter(|child| child.occurrences().0 > 0)
            .map(|child| missing(child, 0, child.occurrences().0))
            .collect(),
    }
}

/// The cost of one missing span of the node, with all spans required below it.
fn missing_cost(node: &SpanContract) -> i64 {
    let below: i64 = node
        .children
        .iter()
        .map(|child| {
            let required = i64::try_from(child.occurrences().0).unwrap_or(MAX_COST);
            missing_cost(child).saturating_mul(required)
        })
        .fold(0, i64::saturating_add);
    below.saturating_add(SPAN_COST).min(MAX_COST)
}

fn fields_cost(fields: &[FieldDifference]) -> i64 {
    let (identity, others): (Vec<_>, Vec<_>) = fields
        .iter()
        .map(|field| field.cost)
        .partition(|cost| *cost > MAX_FIELDS_COST);
    identity.iter().sum::<i64>() + others.iter().sum::<i64>().min(MAX_FIELDS_COST)
}
