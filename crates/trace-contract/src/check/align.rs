//! Lays the contract's tree over the span tree so that they differ as little as
//! possible.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::time::Instant;

use super::alignment::{Aligned, Alignment};
use super::classes::Classes;
use super::expectation::Expectation;
use super::fields::{self, FieldDifference};
use super::siblings::{Comparison, Identity, assign_siblings};
use crate::contract::{SpanContract, Text};
use crate::model::{Forest, Trace};

/// The cost of one missing span, and of one extra span.
const SPAN_COST: i64 = 100;
/// Different attributes do not make a span another span, however many there are.
const MAX_FIELDS_COST: i64 = 40;
/// Undeclared spans may be nested without limit; a reader does not look deeper.
const MAX_EXTRA_DEPTH: usize = 100;
/// Keeps sums of costs far from overflow, whatever `repeat` contains.
const MAX_COST: i64 = 1 << 40;
/// How many pairs are compared between two looks at the clock.
const STEPS: usize = 64;

/// Compares one contract with one trace. Nodes of the contract are identified by their
/// index in `nodes`, spans by their index in the [`Forest`].
pub(super) struct Aligner<'a> {
    /// All nodes of the contract, breadth first: the roots are the first.
    pub(super) nodes: Vec<&'a SpanContract>,
    children: Vec<Range<usize>>,
    roots: Range<usize>,
    /// By node: the cost of a missing span, with all spans required below it.
    pub(super) missing_costs: Vec<i64>,
    pub(super) forest: Forest<'a>,
    pub(super) classes: Classes,
    expectation: &'a Expectation,
    identities: HashSet<Identity<'a>>,
    /// The nodes whose service or name is a pattern.
    patterns: Vec<&'a SpanContract>,
    /// By class of the node and of the span: the cost of pairing them and all below them.
    costs: HashMap<(usize, usize), i64>,
    deadline: Option<Instant>,
    steps: usize,
    /// Whether the deadline has passed. What is returned then is meaningless.
    pub(super) out_of_time: bool,
}

impl<'a> Aligner<'a> {
    pub(super) fn new(
        roots: &'a [SpanContract],
        trace: &'a Trace,
        expectation: &'a Expectation,
        deadline: Option<Instant>,
    ) -> Self {
        let mut nodes: Vec<&SpanContract> = roots.iter().collect();
        let mut children = Vec::new();
        let mut next = 0;
        while let Some(node) = nodes.get(next) {
            let first = nodes.len();
            nodes.extend(&node.children);
            children.push(first..nodes.len());
            next += 1;
        }
        let forest = Forest::new(trace);
        let identities = nodes.iter().filter_map(|node| exact_identity(node));
        let has_pattern = |node: &&&SpanContract| exact_identity(node).is_none();
        Self {
            roots: 0..roots.len(),
            missing_costs: missing_costs(&nodes, &children),
            classes: Classes::new(&nodes, &children, &forest, expectation),
            identities: identities.collect(),
            patterns: nodes.iter().filter(has_pattern).copied().collect(),
            nodes,
            children,
            forest,
            expectation,
            costs: HashMap::new(),
            deadline,
            steps: 0,
            out_of_time: false,
        }
    }

    /// Pairs the contract's roots with the root spans that fit best, and all nodes below
    /// them.
    pub(super) fn align(&mut self) -> Alignment<'a> {
        let candidates = self.forest.roots().to_vec();
        let mut alignment = Alignment {
            roots: Vec::new(),
            others: Vec::new(),
            in_cycles: self
                .forest
                .in_cycles()
                .map(|span| self.forest.span(span))
                .collect(),
            root_parent: None,
        };
        let node_of = if self.roots.len() == 1 {
            let chosen = self.best_root(&candidates);
            alignment.root_parent = chosen
                .filter(|span| !self.has_expected_parent(*span))
                .map(|span| self.wrong_root_parent(span));
            let node_of = |span: &usize| (Some(*span) == chosen).then_some(0);
            candidates.iter().map(node_of).collect()
        } else {
            let roots = self.roots.clone();
            assign_siblings(self, roots, &candidates, false).node_of
        };
        alignment.roots = self.pair_all(self.roots.clone(), &candidates, &node_of);
        let others = candidates.iter().zip(&node_of);
        let others = others.filter(|(_, node)| node.is_none());
        alignment.others = others
            .map(|(span, _)| self.extra(*span, false, 0))
            .collect();
        alignment
    }

    fn best_root(&mut self, candidates: &[usize]) -> Option<usize> {
        // Thousands of orphans are not compared with the root one by one.
        const MAX_COMPARED: usize = 100;
        let expected = |it: &usize| self.has_expected_parent(*it);
        let (likely, unlikely): (Vec<usize>, Vec<usize>) =
            candidates.iter().copied().partition(expected);
        [likely, unlikely].into_iter().find_map(|group| {
            let compared = group.into_iter().take(MAX_COMPARED);
            compared.min_by_key(|span| self.cost(0, *span))
        })
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
    pub(super) fn pair(&mut self, index: usize, span: usize) -> Aligned<'a> {
        let node = self.nodes[index];
        let nodes = self.children[index].clone();
        let spans = self.forest.children(span).to_vec();
        let assigned = assign_siblings(self, nodes.clone(), &spans, node.more);
        let mut children = self.pair_all(nodes, &spans, &assigned.node_of);
        let unassigned = spans.iter().zip(&assigned.node_of);
        let unassigned = unassigned.filter(|(_, node)| node.is_none());
        children.extend(unassigned.map(|(span, _)| self.extra(*span, node.more, 0)));
        let span = self.forest.span(span);
        Aligned::Pair {
            node,
            span,
            fields: fields::differences(node, span, self.expectation),
            misplaced: false,
            children,
        }
    }

    /// The pairs of each node and, after them, the spans that are missing.
    fn pair_all(
        &mut self,
        nodes: Range<usize>,
        spans: &[usize],
        node_of: &[Option<usize>],
    ) -> Vec<Aligned<'a>> {
        let first = nodes.start;
        let mut spans_of = vec![Vec::new(); nodes.len()];
        for (span, node) in spans.iter().zip(node_of) {
            if let Some(node) = node {
                spans_of[node - first].push(*span);
            }
        }
        let mut pairs = Vec::new();
        for (index, found) in nodes.zip(spans_of) {
            pairs.extend(found.iter().map(|span| self.pair(index, *span)));
            let (required, _) = self.nodes[index].occurrences();
            if found.len() < required {
                pairs.push(self.missing(index, found.len(), required));
            }
        }
        pairs
    }

    fn look_at_the_clock(&mut self) {
        self.steps += 1;
        if self.steps.is_multiple_of(STEPS) && self.deadline.is_some_and(|it| Instant::now() >= it)
        {
            self.out_of_time = true;
        }
    }

    fn missing(&self, index: usize, found: usize, required: usize) -> Aligned<'a> {
        let children = self.children[index].clone();
        Aligned::Missing {
            node: self.nodes[index],
            index,
            found,
            required,
            children: children
                .map(|child| (child, self.nodes[child].occurrences().0))
                .filter(|(_, required)| *required > 0)
                .map(|(child, required)| self.missing(child, 0, required))
                .collect(),
        }
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

impl<'a> Comparison<'a> for Aligner<'a> {
    fn node(&self, node: usize) -> &'a SpanContract {
        self.nodes[node]
    }

    fn forest(&self) -> &Forest<'a> {
        &self.forest
    }

    fn classes(&self) -> &Classes {
        &self.classes
    }

    fn missing_cost(&self, node: usize) -> i64 {
        self.missing_costs[node]
    }

    /// The cost of pairing the node with the span; `None` if they must not be paired. Two
    /// differences in service, kind and name exclude a pair, and one does if the span fits
    /// another node: otherwise, a span that is missing in the middle of a chain would rename
    /// all spans below it.
    fn pair_cost(&mut self, node: usize, span: usize) -> Option<i64> {
        match fields::identity_differences(self.nodes[node], self.forest.span(span)) {
            0 => {}
            1 if !self.fits_any_node(span) => {}
            _ => return None,
        }
        Some(self.cost(node, span))
    }

    fn fits_any_node(&self, span: usize) -> bool {
        let span = self.forest.span(span);
        let identity = (span.service(), span.kind, span.name.as_str());
        self.identities.contains(&identity)
            || self
                .patterns
                .iter()
                .any(|node| fields::has_identity(node, span))
    }

    /// The service, kind and name of a node; `None` if one of them is a pattern.
    fn exact_identity(&self, node: usize) -> Option<Identity<'a>> {
        exact_identity(self.nodes[node])
    }

    /// The cost of pairing the node with the span, and all below them.
    fn cost(&mut self, node: usize, span: usize) -> i64 {
        let key = (self.classes.of_node[node], self.classes.of_span[span]);
        if let Some(known) = self.costs.get(&key) {
            return *known;
        }
        self.look_at_the_clock();
        if self.out_of_time {
            return MAX_COST;
        }
        let contract = self.nodes[node];
        let fields = fields::differences(contract, self.forest.span(span), self.expectation);
        let spans = self.forest.children(span).to_vec();
        let children = self.children[node].clone();
        let below = assign_siblings(self, children, &spans, contract.more);
        let cost = fields_cost(&fields).saturating_add(below.cost);
        let cost = cost.min(MAX_COST);
        self.costs.insert(key, cost);
        cost
    }

    /// The cost of an extra span with all its descendants.
    fn extra_cost(&self, index: usize) -> i64 {
        SPAN_COST * i64::try_from(self.forest.size(index)).unwrap_or(MAX_COST / SPAN_COST)
    }
}

fn exact_identity(node: &SpanContract) -> Option<Identity<'_>> {
    match (&node.service, &node.name) {
        (Text::Equals(service), Text::Equals(name)) => Some((service, node.kind, name)),
        _ => None,
    }
}

fn missing_costs(nodes: &[&SpanContract], children: &[Range<usize>]) -> Vec<i64> {
    let mut costs = vec![SPAN_COST; nodes.len()];
    for index in (0..nodes.len()).rev() {
        let below = children[index].clone().map(|child| {
            let required = i64::try_from(nodes[child].occurrences().0).unwrap_or(MAX_COST);
            costs[child].saturating_mul(required)
        });
        let below = below.fold(0, i64::saturating_add);
        costs[index] = below.saturating_add(SPAN_COST).min(MAX_COST);
    }
    costs
}

fn fields_cost(fields: &[FieldDifference]) -> i64 {
    let (identity, others): (Vec<_>, Vec<_>) = fields
        .iter()
        .map(|field| field.cost)
        .partition(|cost| *cost > MAX_FIELDS_COST);
    identity.iter().sum::<i64>() + others.iter().sum::<i64>().min(MAX_FIELDS_COST)
}
