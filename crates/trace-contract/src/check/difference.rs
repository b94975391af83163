//! One difference between a trace and its contract.

use std::fmt;

use crate::contract::SpanContract;
use crate::ids::SpanId;

/// One difference between a trace and its contract. Displayed as a sentence.
#[derive(Clone, Debug)]
pub struct Difference {
    kind: DifferenceKind,
    message: String,
    pub(super) anchor: Anchor,
}

/// The kind of a difference, the most important kinds first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DifferenceKind {
    /// No span of the trace has arrived.
    NothingArrived,
    /// The root is not a child of the caller, or has a parent and must not have one.
    RootParent,
    /// A span is missing.
    Missing,
    /// A span has the wrong parent.
    WrongParent,
    /// A second span without a parent, or a second child of the caller.
    SecondRoot,
    /// A span whose parent is neither in the trace nor the caller.
    Orphan,
    /// A span that is its own ancestor.
    Cycle,
    /// A span that the contract does not declare.
    Extra,
    /// Two different spans with the same id.
    Conflict,
    /// A field of a span: service, kind, name, status, an attribute, events or links.
    Field,
    /// A span that ends before it starts, or starts before its parent.
    Clock,
}

/// The line of the report that shows a difference.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Anchor {
    Nowhere,
    /// A node of the contract, by its address.
    Node(usize),
    Span(SpanId),
    Field(SpanId, String),
}

impl Anchor {
    pub(super) fn node(node: &SpanContract) -> Self {
        Self::Node(std::ptr::from_ref(node).addr())
    }
}

impl Difference {
    pub(super) fn new(kind: DifferenceKind, message: String, anchor: Anchor) -> Self {
        Self {
            kind,
            message,
            anchor,
        }
    }

    /// The kind of the difference.
    pub fn kind(&self) -> DifferenceKind {
        self.kind
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
