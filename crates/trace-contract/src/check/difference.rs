//! What differs, and of which kind that is.

use std::fmt;

use crate::contract::SpanContract;
use crate::ids::SpanId;

/// One thing that is not as it must be. Displayed as a sentence.
#[derive(Clone, Debug)]
pub struct Difference {
    kind: DifferenceKind,
    message: String,
    pub(crate) anchor: Anchor,
}

/// What kind of thing is not as it must be, the most telling kinds first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DifferenceKind {
    /// No span of the trace is there.
    NothingArrived,
    /// The root is not below the caller, or has a parent where it must have none.
    RootParent,
    /// A span is not there.
    Missing,
    /// A span is there, in another place.
    WrongParent,
    /// A span without a parent, beside the root.
    SecondRoot,
    /// A span whose parent is neither in the trace nor the caller.
    Orphan,
    /// A span that is its own ancestor.
    Ring,
    /// A span that no contract declares.
    Extra,
    /// Two spans with the same id.
    Conflict,
    /// A field of a span: service, kind, name, status, an attribute, events, links.
    Field,
    /// A span that ends before it starts, or starts before its parent.
    Clock,
}

/// Where in the comparison a difference is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Anchor {
    Nowhere,
    /// By its address, in the contract that is being compared.
    Node(usize),
    Span(SpanId),
    Field(SpanId, String),
}

impl Anchor {
    pub(crate) fn node(node: &SpanContract) -> Self {
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

    /// What kind of thing differs.
    pub fn kind(&self) -> DifferenceKind {
        self.kind
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
