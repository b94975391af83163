//! Finds spans with a wrong parent: a span that is missing in one place and extra in
//! another.

use std::collections::BTreeSet;

use super::align::Aligner;
use super::alignment::{Aligned, Alignment};
use super::fields;
use crate::contract::SpanContract;
use crate::ids::SpanId;
use crate::model::Span;

/// Replaces each missing span by an extra span with the same service, kind and name,
/// if there is one.
pub(super) fn find<'a>(alignment: &mut Alignment<'a>, aligner: &mut Aligner<'a>) {
    let mut extra = ExtraSpans::default();
    extra.collect(&alignment.root);
    alignment.others.iter().for_each(|it| extra.collect(it));
    replace_missing(&mut alignment.root, &mut extra, aligner);
    mark_moved(&mut alignment.root, &extra.moved);
    for other in &mut alignment.others {
        mark_moved(other, &extra.moved);
    }
}

#[derive(Default)]
struct ExtraSpans<'a> {
    available: Vec<&'a Span>,
    moved: BTreeSet<SpanId>,
}

impl<'a> ExtraSpans<'a> {
    fn collect(&mut self, aligned: &Aligned<'a>) {
        if let Aligned::Extra {
            span,
            allowed: false,
            ..
        } = aligned
        {
            self.available.push(span);
        }
        aligned.children().iter().for_each(|it| self.collect(it));
    }

    /// Takes the first span that fits the node. Its descendants and ancestors are no
    /// longer available, so that no span is compared twice.
    fn take(&mut self, node: &SpanContract, aligner: &Aligner<'a>) -> Option<usize> {
        let found = self
            .available
            .iter()
            .find(|span| fields::has_identity(node, span))?;
        let index = aligner.forest.index(found.span_id)?;
        let related = aligner.forest.related(index);
        self.moved.insert(found.span_id);
        self.available
            .retain(|span| !related.contains(&span.span_id));
        Some(index)
    }
}

fn replace_missing<'a>(
    node: &mut Aligned<'a>,
    extra: &mut ExtraSpans<'a>,
    aligner: &mut Aligner<'a>,
) {
    if let Aligned::Missing {
        node: missing,
        found,
        required,
        ..
    } = node
        && *required - *found == 1
        && let Some(index) = extra.take(missing, aligner)
    {
        let mut pair = aligner.pair(missing, index);
        if let Aligned::Pair { misplaced, .. } = &mut pair {
            *misplaced = true;
        }
        *node = pair;
    }
    match node {
        Aligned::Pair { children, .. } | Aligned::Missing { children, .. } => {
            for child in children {
                replace_missing(child, extra, aligner);
            }
        }
        Aligned::Extra { .. } => {}
    }
}

/// Marks extra spans that are compared elsewhere, so that they are reported once.
fn mark_moved(aligned: &mut Aligned<'_>, moved: &BTreeSet<SpanId>) {
    match aligned {
        Aligned::Extra {
            span,
            compared_elsewhere,
            children,
            ..
        } if moved.contains(&span.span_id) => {
            *compared_elsewhere = true;
            children.clear();
        }
        Aligned::Pair { children, .. }
        | Aligned::Missing { children, .. }
        | Aligned::Extra { children, .. } => {
            for child in children {
                mark_moved(child, moved);
            }
        }
    }
}
