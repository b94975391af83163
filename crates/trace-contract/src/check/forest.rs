//! The spans of a trace as trees: who has which children, and how many below.

use std::collections::{HashMap, HashSet};

use crate::ids::SpanId;
use crate::model::{Span, Trace};

/// The spans of a trace by their places in [`Trace::spans`].
pub(crate) struct Forest<'a> {
    spans: &'a [Span],
    places: HashMap<SpanId, usize>,
    children: Vec<Vec<usize>>,
    /// The spans whose parent is not in the trace.
    tops: Vec<usize>,
    /// How many spans a subtree has, its top included.
    sizes: Vec<usize>,
    /// Whether a span can be reached from a top; those in a ring cannot.
    reached: Vec<bool>,
}

impl<'a> Forest<'a> {
    pub(crate) fn new(trace: &'a Trace) -> Self {
        let spans = trace.spans();
        let places: HashMap<SpanId, usize> = spans
            .iter()
            .enumerate()
            .map(|(place, span)| (span.span_id, place))
            .collect();
        let mut children = vec![Vec::new(); spans.len()];
        let mut tops = Vec::new();
        for (place, span) in spans.iter().enumerate() {
            match span.parent.and_then(|parent| places.get(&parent)) {
                Some(parent) => children[*parent].push(place),
                None => tops.push(place),
            }
        }
        let (sizes, reached) = walk(&tops, &children);
        Self {
            spans,
            places,
            children,
            tops,
            sizes,
            reached,
        }
    }

    pub(crate) fn span(&self, place: usize) -> &'a Span {
        &self.spans[place]
    }

    pub(crate) fn place(&self, id: SpanId) -> Option<usize> {
        self.places.get(&id).copied()
    }

    /// The span with all that are below it and above it.
    pub(crate) fn related(&self, place: usize) -> HashSet<SpanId> {
        let mut below = vec![place];
        let mut next = 0;
        while let Some(place) = below.get(next) {
            below.extend(&self.children[*place]);
            next += 1;
        }
        let mut ids: HashSet<SpanId> = below.iter().map(|it| self.spans[*it].span_id).collect();
        let mut above = self.spans[place].parent;
        while let Some(span) = above.and_then(|id| self.place(id)) {
            if !ids.insert(self.spans[span].span_id) {
                break;
            }
            above = self.spans[span].parent;
        }
        ids
    }

    pub(crate) fn children(&self, place: usize) -> &[usize] {
        &self.children[place]
    }

    pub(crate) fn tops(&self) -> &[usize] {
        &self.tops
    }

    pub(crate) fn size(&self, place: usize) -> usize {
        self.sizes[place]
    }

    /// The spans that are their own ancestors, or hang below such.
    pub(crate) fn in_rings(&self) -> impl Iterator<Item = usize> {
        (0..self.spans.len()).filter(|place| !self.reached[*place])
    }
}

/// Sizes from the leaves up, without recursion: a broken trace may be very deep.
fn walk(tops: &[usize], children: &[Vec<usize>]) -> (Vec<usize>, Vec<bool>) {
    let mut order = tops.to_vec();
    let mut next = 0;
    while let Some(place) = order.get(next) {
        order.extend(&children[*place]);
        next += 1;
    }
    let mut sizes = vec![1; children.len()];
    let mut reached = vec![false; children.len()];
    for place in order.into_iter().rev() {
        reached[place] = true;
        sizes[place] = 1 + children[place]
            .iter()
            .map(|child| sizes[*child])
            .sum::<usize>();
    }
    (sizes, reached)
}
