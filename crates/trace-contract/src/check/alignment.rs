//! A contract's tree laid over a trace: which span belongs to which node of the
//! contract, and which are missing or extra.

use super::fields::FieldDifference;
use crate::contract::SpanContract;
use crate::model::Span;

/// A contract's tree laid over a trace.
pub(super) struct Alignment<'a> {
    /// The roots of the contract; most have one.
    pub(super) roots: Vec<Aligned<'a>>,
    /// Further spans whose parent is not in the trace: second roots and orphans.
    pub(super) others: Vec<Aligned<'a>>,
    /// Spans that are their own ancestors, and the descendants of such spans.
    pub(super) in_cycles: Vec<&'a Span>,
    /// Why the parent of the root is wrong; `None` if it is as expected.
    pub(super) root_parent: Option<&'static str>,
}

/// One node of the contract, one span, or both.
pub(super) enum Aligned<'a> {
    /// The span belongs to the node, although its fields may differ.
    Pair {
        node: &'a SpanContract,
        span: &'a Span,
        fields: Vec<FieldDifference>,
        /// Whether the span has another parent than the contract requires.
        misplaced: bool,
        children: Vec<Aligned<'a>>,
    },
    /// The trace has too few spans for the node.
    Missing {
        node: &'a SpanContract,
        /// The index of the node.
        index: usize,
        found: usize,
        required: usize,
        children: Vec<Aligned<'a>>,
    },
    /// The span belongs to no node.
    Extra {
        span: &'a Span,
        /// Whether its parent has `more: true`.
        allowed: bool,
        /// Whether the span is compared elsewhere, as a misplaced pair.
        compared_elsewhere: bool,
        /// The number of all its descendants.
        descendants: usize,
        /// Its children, down to a depth that can be shown.
        children: Vec<Aligned<'a>>,
    },
}

impl Aligned<'_> {
    pub(super) fn children(&self) -> &[Self] {
        match self {
            Self::Pair { children, .. }
            | Self::Missing { children, .. }
            | Self::Extra { children, .. } => children,
        }
    }
}
