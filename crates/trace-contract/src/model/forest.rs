//! The spans of a trace as trees: children, ancestors and the size of subtrees.

use std::collections::{HashMap, HashSet};

use super::span::Span;
use super::trace::Trace;
use crate::ids::SpanId;

/// The trees of a trace. Spans are identified by their index in [`Trace::spans`].
pub(crate) struct Forest<'a> {
    spans: &'a [Span],
    indexes: HashMap<SpanId, usize>,
    children: Vec<Vec<usize>>,
    /// The spans whose parent is not in the trace.
    roots: Vec<usize>,
    /// By span: the number of spans in its subtree, including itself.
    sizes: Vec<usize>,
    /// By span: whether a root leads to it. Spans in a cycle are not reached.
    reached: Vec<bool>,
}

impl<'a> Forest<'a> {
    pub(crate) fn new(trace: &'a Trace) -> Self {
        let spans = trace.spans();
        let indexes: HashMap<SpanId, usize> = spans
            .iter()
            .enumerate()
            .map(|(index, span)| (span.span_id, index))
            .collect();
        let mut children = vec![Vec::new(); spans.len()];
        let mut roots = Vec::new();
        for (index, span) in spans.iter().enumerate() {
            match span.parent.and_then(|parent| indexes.get(&parent)) {
                Some(parent) => children[*parent].push(index),
                None => roots.push(index),
            }
        }
        let (sizes, reached) = measure(&roots, &children);
        Self {
            spans,
            indexes,
            children,
            roots,
            sizes,
            reached,
        }
    }

    pub(crate) fn span(&self, index: usize) -> &'a Span {
        &self.spans[index]
    }

    pub(crate) fn index(&self, id: SpanId) -> Option<usize> {
        self.indexes.get(&id).copied()
    }

    /// The ids of the span, its descendants and its ancestors.
    pub(crate) fn related(&self, index: usize) -> HashSet<SpanId> {
        let below = breadth_first(&[index], &self.children);
        let mut ids: HashSet<SpanId> = below.iter().map(|it| self.spans[*it].span_id).collect();
        let mut above = self.spans[index].parent;
        while let Some(span) = above.and_then(|id| self.index(id)) {
            if !ids.insert(self.spans[span].span_id) {
                break;
            }
            above = self.spans[span].parent;
        }
        ids
    }

    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }

    /// The number of levels of the deepest tree.
    pub(crate) fn depth(&self) -> usize {
        let mut depths = vec![0; self.spans.len()];
        for index in self.breadth_first() {
            for child in &self.children[index] {
                depths[*child] = depths[index] + 1;
            }
        }
        depths.iter().max().map_or(0, |depth| depth + 1)
    }

    /// All spans that a root leads to, parents before their children.
    pub(crate) fn breadth_first(&self) -> Vec<usize> {
        breadth_first(&self.roots, &self.children)
    }

    pub(crate) fn children(&self, index: usize) -> &[usize] {
        &self.children[index]
    }

    pub(crate) fn roots(&self) -> &[usize] {
        &self.roots
    }

    pub(crate) fn size(&self, index: usize) -> usize {
        self.sizes[index]
    }

    /// The spans that are their own ancestors, and the descendants of such spans.
    pub(crate) fn in_cycles(&self) -> impl Iterator<Item = usize> {
        (0..self.spans.len()).filter(|index| !self.reached[*index])
    }
}

/// The size of each subtree, and whether a root leads to it.
fn measure(roots: &[usize], children: &[Vec<usize>]) -> (Vec<usize>, Vec<bool>) {
    let mut sizes = vec![1; children.len()];
    let mut reached = vec![false; children.len()];
    for index in breadth_first(roots, children).into_iter().rev() {
        reached[index] = true;
        sizes[index] = 1 + children[index]
            .iter()
            .map(|child| sizes[*child])
            .sum::<usize>();
    }
    (sizes, reached)
}

/// The spans `starts` and all their descendants, parents before their children. Not
/// recursive, because a broken trace may be too deep for the stack.
fn breadth_first(starts: &[usize], children: &[Vec<usize>]) -> Vec<usize> {
    let mut order = starts.to_vec();
    let mut next = 0;
    while let Some(index) = order.get(next) {
        order.extend(&children[*index]);
        next += 1;
    }
    order
}
