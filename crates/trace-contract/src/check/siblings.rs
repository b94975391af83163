//! Assigns sibling spans to sibling nodes, also if there are thousands of them.
//!
//! Equal spans and equal nodes are grouped. If the groups are few, the assignment has the
//! lowest cost of all. Otherwise, exact candidates are assigned first, and the rest in
//! parts, in the order of their start.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Range;

use super::assign::{Costs, NodeGroup, SpanGroup, assign};
use super::classes::Classes;
use crate::contract::SpanContract;
use crate::model::{Forest, SpanKind};

/// The work, in steps of the assignment, for which the lowest cost of all is found.
const MAX_WORK: usize = 8_000_000;
/// The number of groups that are compared with each other if there are too many.
const PART: usize = 24;
/// The number of nodes with the same digest that are tried for a span.
const MAX_TRIES: usize = 8;

/// Service, kind and name.
pub(super) type Identity<'a> = (&'a str, SpanKind, &'a str);

/// Compares nodes of a contract with spans of a trace, each identified by its index.
pub(super) trait Comparison<'a> {
    fn node(&self, node: usize) -> &'a SpanContract;
    fn forest(&self) -> &Forest<'a>;
    fn classes(&self) -> &Classes;
    /// The service, kind and name of a node; `None` if one of them is a pattern.
    fn exact_identity(&self, node: usize) -> Option<Identity<'a>>;
    fn fits_any_node(&self, span: usize) -> bool;
    /// The cost of a missing span, with all spans required below it.
    fn missing_cost(&self, node: usize) -> i64;
    /// The cost of an extra span with all its descendants.
    fn extra_cost(&self, span: usize) -> i64;
    /// The cost of pairing the node with the span, and all below them.
    fn cost(&mut self, node: usize, span: usize) -> i64;
    /// As `cost`; `None` if they must not be paired.
    fn pair_cost(&mut self, node: usize, span: usize) -> Option<i64>;
}

/// Which spans belong to which nodes.
pub(super) struct Assigned {
    /// By position of the span: the index of its node.
    pub(super) node_of: Vec<Option<usize>>,
    pub(super) cost: i64,
}

struct Spans {
    /// A span of the group, by its index.
    sample: usize,
    positions: Vec<usize>,
    /// How many are not assigned yet.
    left: usize,
}

struct Nodes {
    indexes: Vec<usize>,
    min: usize,
    max: usize,
    taken: usize,
}

struct Siblings {
    spans: Vec<Spans>,
    nodes: Vec<Nodes>,
    /// The group of spans, the group of nodes, the number of spans, and the cost of each.
    assigned: Vec<(usize, usize, usize, i64)>,
}

/// Finds the groups of nodes that a span may belong to, as positions in a list of them.
struct NodeIndex<'a> {
    exact: HashMap<Identity<'a>, Vec<usize>>,
    patterns: Vec<usize>,
    all: Vec<usize>,
}

impl<'a> NodeIndex<'a> {
    fn new(comparison: &dyn Comparison<'a>, groups: &[Nodes], nodes: &[usize]) -> Self {
        let mut exact: HashMap<_, Vec<usize>> = HashMap::new();
        let mut patterns = Vec::new();
        for (position, node) in nodes.iter().enumerate() {
            match comparison.exact_identity(groups[*node].indexes[0]) {
                Some(identity) => exact.entry(identity).or_default().push(position),
                None => patterns.push(position),
            }
        }
        Self {
            exact,
            patterns,
            all: (0..nodes.len()).collect(),
        }
    }

    /// The candidates: those with the span's service, kind and name, and those with a
    /// pattern; or all of them, if the span fits no node of the contract.
    fn candidates(&self, comparison: &dyn Comparison<'a>, span: usize) -> (&[usize], &[usize]) {
        if !comparison.fits_any_node(span) {
            return (&self.all, &[]);
        }
        let span = comparison.forest().span(span);
        let identity = (span.service(), span.kind, span.name.as_str());
        let exact = self.exact.get(&identity).map_or(&[][..], Vec::as_slice);
        (exact, &self.patterns)
    }
}

/// Assigns `spans` to `nodes`. With `more`, a span without a node has no cost.
pub(super) fn assign_siblings(
    comparison: &mut dyn Comparison<'_>,
    nodes: Range<usize>,
    spans: &[usize],
    more: bool,
) -> Assigned {
    let mut siblings = Siblings::group(comparison, nodes, spans);
    siblings.assign_exact(comparison);
    if !siblings.is_complete(more) {
        if siblings.work(comparison) <= MAX_WORK {
            siblings.reset();
        }
        if siblings.work_left(comparison) <= MAX_WORK {
            siblings.assign_left(comparison, more);
        } else {
            siblings.assign_in_parts(comparison, more);
        }
    }
    siblings.finish(comparison, spans.len(), more)
}

impl Siblings {
    fn group(comparison: &dyn Comparison<'_>, nodes: Range<usize>, spans: &[usize]) -> Self {
        let mut span_groups: Vec<Spans> = Vec::new();
        let mut places = HashMap::new();
        for (position, span) in spans.iter().enumerate() {
            let class = comparison.classes().of_span[*span];
            let place = *places.entry(class).or_insert_with(|| {
                span_groups.push(Spans {
                    sample: *span,
                    positions: Vec::new(),
                    left: 0,
                });
                span_groups.len() - 1
            });
            span_groups[place].positions.push(position);
            span_groups[place].left += 1;
        }
        let mut node_groups: Vec<Nodes> = Vec::new();
        let mut places = HashMap::new();
        for node in nodes {
            let class = comparison.classes().of_node[node];
            let place = *places.entry(class).or_insert_with(|| {
                node_groups.push(Nodes {
                    indexes: Vec::new(),
                    min: 0,
                    max: 0,
                    taken: 0,
                });
                node_groups.len() - 1
            });
            let (min, max) = comparison.node(node).occurrences();
            let group = &mut node_groups[place];
            group.indexes.push(node);
            group.min = group.min.saturating_add(min);
            group.max = group.max.saturating_add(max);
        }
        Self {
            spans: span_groups,
            nodes: node_groups,
            assigned: Vec::new(),
        }
    }

    /// Assigns spans to nodes that they satisfy, found by their digest.
    fn assign_exact(&mut self, comparison: &mut dyn Comparison<'_>) {
        let mut by_digest: HashMap<usize, Vec<usize>> = HashMap::new();
        for (place, group) in self.nodes.iter().enumerate() {
            if let Some(digest) = comparison.classes().digest_of_node[group.indexes[0]] {
                by_digest.entry(digest).or_default().push(place);
            }
        }
        for span in 0..self.spans.len() {
            let digest = comparison.classes().digest_of_span[self.spans[span].sample];
            let nodes = by_digest.get(&digest).map_or(&[][..], Vec::as_slice);
            for node in nodes.iter().take(MAX_TRIES) {
                let (sample, index) = (self.spans[span].sample, self.nodes[*node].indexes[0]);
                let room = self.nodes[*node].max - self.nodes[*node].taken;
                let count = self.spans[span].left.min(room);
                if count > 0 && comparison.cost(index, sample) == 0 {
                    self.take(span, *node, count, 0);
                }
            }
        }
    }

    fn take(&mut self, span: usize, node: usize, count: usize, cost: i64) {
        self.spans[span].left -= count;
        self.nodes[node].taken += count;
        self.assigned.push((span, node, count, cost));
    }

    fn is_complete(&self, more: bool) -> bool {
        self.nodes.iter().all(|group| group.taken >= group.min)
            && (more || self.spans.iter().all(|group| group.left == 0))
    }

    fn reset(&mut self) {
        self.assigned.clear();
        for group in &mut self.spans {
            group.left = group.positions.len();
        }
        for group in &mut self.nodes {
            group.taken = 0;
        }
    }

    /// The steps that the assignment of all spans takes at most.
    fn work(&self, comparison: &dyn Comparison<'_>) -> usize {
        let all = (0..self.spans.len()).collect::<Vec<_>>();
        self.steps(comparison, &all, &(0..self.nodes.len()).collect::<Vec<_>>())
    }

    /// The steps that the assignment of the remaining spans takes at most.
    fn work_left(&self, comparison: &dyn Comparison<'_>) -> usize {
        self.steps(comparison, &self.spans_left(), &self.nodes_left())
    }

    fn steps(&self, comparison: &dyn Comparison<'_>, spans: &[usize], nodes: &[usize]) -> usize {
        let index = NodeIndex::new(comparison, &self.nodes, nodes);
        let pairs = spans.iter().map(|span| {
            let (exact, others) = index.candidates(comparison, self.spans[*span].sample);
            exact.len() + others.len()
        });
        let vertices = spans.len() + nodes.len();
        spans.len().saturating_mul(pairs.sum::<usize>() + vertices)
    }

    fn spans_left(&self) -> Vec<usize> {
        let left = |it: &usize| self.spans[*it].left > 0;
        (0..self.spans.len()).filter(left).collect()
    }

    fn nodes_left(&self) -> Vec<usize> {
        let left = |it: &usize| self.nodes[*it].taken < self.nodes[*it].max;
        (0..self.nodes.len()).filter(left).collect()
    }

    /// Assigns all remaining spans at the lowest cost.
    fn assign_left(&mut self, comparison: &mut dyn Comparison<'_>, more: bool) {
        let (spans, nodes) = (self.spans_left(), self.nodes_left());
        let index = NodeIndex::new(comparison, &self.nodes, &nodes);
        let candidates = spans.iter().map(|span| {
            let (exact, others) = index.candidates(comparison, self.spans[*span].sample);
            let mut all = [exact, others].concat();
            all.sort_unstable();
            all
        });
        let candidates: Vec<_> = candidates.collect();
        self.assign(comparison, &spans, &nodes, &candidates, more);
    }

    /// Assigns these groups of spans at the lowest cost. Candidates are positions in
    /// `nodes`.
    fn assign(
        &mut self,
        comparison: &mut dyn Comparison<'_>,
        spans: &[usize],
        nodes: &[usize],
        candidates: &[Vec<usize>],
        more: bool,
    ) {
        let costs = self.costs(comparison, spans, nodes, candidates, more);
        let assignment = assign(&costs);
        for ((span, node, cost), count) in costs.pairs.iter().zip(assignment.assigned) {
            if count > 0 {
                self.take(spans[*span], nodes[*node], count, *cost);
            }
        }
    }

    fn costs(
        &self,
        comparison: &mut dyn Comparison<'_>,
        spans: &[usize],
        nodes: &[usize],
        candidates: &[Vec<usize>],
        more: bool,
    ) -> Costs {
        let mut costs = Costs::default();
        for (place, (span, candidates)) in spans.iter().zip(candidates).enumerate() {
            let group = &self.spans[*span];
            let extra = comparison.extra_cost(group.sample);
            costs.spans.push(SpanGroup {
                count: group.left,
                extra: if more { 0 } else { extra },
            });
            for node in candidates {
                let index = self.nodes[nodes[*node]].indexes[0];
                // Beyond this they are two spans: one is missing, the other is extra.
                let most = extra + comparison.missing_cost(index);
                if let Some(cost) = comparison.pair_cost(index, group.sample)
                    && cost <= most
                {
                    costs.pairs.push((place, *node, cost));
                }
            }
        }
        let groups = nodes.iter().map(|node| {
            let group = &self.nodes[*node];
            NodeGroup {
                min: group.min.saturating_sub(group.taken),
                max: group.max - group.taken,
                missing: comparison.missing_cost(group.indexes[0]),
            }
        });
        costs.nodes = groups.collect();
        costs
    }

    /// Assigns the remaining spans: those with the identity of a node first, each part
    /// with a part of the nodes.
    fn assign_in_parts(&mut self, comparison: &mut dyn Comparison<'_>, more: bool) {
        let mut parts: BTreeMap<_, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
        for (place, group) in self.spans.iter().enumerate() {
            let span = comparison.forest().span(group.sample);
            let identity = (span.service(), span.kind, span.name.as_str());
            parts.entry(identity).or_default().0.push(place);
        }
        for (place, group) in self.nodes.iter().enumerate() {
            if let Some(identity) = comparison.exact_identity(group.indexes[0]) {
                parts.entry(identity).or_default().1.push(place);
            }
        }
        for (spans, nodes) in parts.into_values() {
            self.assign_parts(comparison, &spans, &nodes, more);
        }
        let (spans, nodes) = (self.spans_left(), self.nodes_left());
        self.assign_parts(comparison, &spans, &nodes, more);
    }

    fn assign_parts(
        &mut self,
        comparison: &mut dyn Comparison<'_>,
        spans: &[usize],
        nodes: &[usize],
        more: bool,
    ) {
        let has_room = |it: &Self, node: usize| it.nodes[node].taken < it.nodes[node].max;
        let left = |it: &&usize| self.spans[**it].left > 0;
        let spans: Vec<usize> = spans.iter().filter(left).copied().collect();
        let room = |it: &&usize| has_room(self, **it);
        let mut waiting: VecDeque<usize> = nodes.iter().filter(room).copied().collect();
        let mut part: Vec<usize> = Vec::new();
        for spans in spans.chunks(PART) {
            let count = waiting.len().min(PART - part.len());
            part.extend(waiting.drain(..count));
            let taken: Vec<usize> = part.iter().map(|node| self.nodes[*node].taken).collect();
            let all = (0..part.len()).collect::<Vec<_>>();
            let candidates = vec![all; spans.len()];
            self.assign(comparison, spans, &part, &candidates, more);
            // Nodes that accept more spans stay, the others make room for the next.
            let before = part.iter().zip(taken);
            let stays = before.filter(|(node, taken)| {
                self.nodes[**node].taken > *taken && has_room(self, **node)
            });
            part = stays.map(|(node, _)| *node).collect();
        }
    }

    /// Distributes the assigned spans of each group to the nodes of their group.
    fn finish(self, comparison: &dyn Comparison<'_>, count: usize, more: bool) -> Assigned {
        let mut node_of = vec![None; count];
        let mut cost = 0_i64;
        let mut next = vec![0; self.spans.len()];
        let mut slots: Vec<Vec<usize>> = self
            .nodes
            .iter()
            .map(|group| slots(comparison, &group.indexes, group.taken))
            .collect();
        for (span, node, count, each) in &self.assigned {
            cost = cost.saturating_add(each.saturating_mul(to_cost(*count)));
            for _ in 0..*count {
                let position = self.spans[*span].positions[next[*span]];
                next[*span] += 1;
                node_of[position] = slots[*node].pop();
            }
        }
        for group in self.spans.iter().filter(|_| !more) {
            let extra = comparison.extra_cost(group.sample);
            cost = cost.saturating_add(extra.saturating_mul(to_cost(group.left)));
        }
        for group in &self.nodes {
            let missing = to_cost(group.min.saturating_sub(group.taken));
            let each = comparison.missing_cost(group.indexes[0]);
            cost = cost.saturating_add(each.saturating_mul(missing));
        }
        Assigned { node_of, cost }
    }
}

/// The nodes that the `count` assigned spans of a group belong to, in reverse: first the
/// required spans of each, then further ones.
fn slots(comparison: &dyn Comparison<'_>, nodes: &[usize], count: usize) -> Vec<usize> {
    let mut slots = Vec::with_capacity(count);
    for required in [true, false] {
        for node in nodes {
            let (min, max) = comparison.node(*node).occurrences();
            let most = if required { min } else { max - min };
            let room = count - slots.len();
            slots.extend(std::iter::repeat_n(*node, most.min(room)));
        }
    }
    slots.reverse();
    slots
}

fn to_cost(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
