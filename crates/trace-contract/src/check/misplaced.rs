//! Finds spans with a wrong parent: a span that is missing in one place and extra in
//! another.

use std::collections::{BTreeSet, HashMap};

use super::align::Aligner;
use super::alignment::{Aligned, Alignment};
use super::fields;
use super::siblings::{Comparison, Identity};
use crate::ids::SpanId;
use crate::model::Span;

/// The number of missing spans that are looked for; a report shows fewer.
const MAX_SEARCHES: usize = 1_000;

/// Replaces each missing span by an extra span with the same service, kind and name,
/// if there is one.
pub(super) fn find<'a>(alignment: &mut Alignment<'a>, aligner: &mut Aligner<'a>) {
    let mut extra = ExtraSpans::default();
    let all = alignment.roots.iter().chain(&alignment.others);
    all.for_each(|it| extra.collect(it));
    for root in &mut alignment.roots {
        replace_missing(root, &mut extra, aligner);
    }
    for aligned in alignment.roots.iter_mut().chain(&mut alignment.others) {
        mark_moved(aligned, &extra.moved);
    }
}

#[derive(Default)]
struct ExtraSpans<'a> {
    /// In the order of the trees.
    available: Vec<&'a Span>,
    by_identity: HashMap<Identity<'a>, Vec<&'a Span>>,
    /// The spans that are compared elsewhere, with their descendants and ancestors.
    taken: BTreeSet<SpanId>,
    moved: BTreeSet<SpanId>,
    searches: usize,
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
            let identity = (span.service(), span.kind, span.name.as_str());
            self.by_identity.entry(identity).or_default().push(span);
        }
        aligned.children().iter().for_each(|it| self.collect(it));
    }

    /// Takes the first span that fits the node. Its descendants and ancestors are no
    /// longer available, so that no span is compared twice.
    fn take(&mut self, node: usize, aligner: &Aligner<'a>) -> Option<usize> {
        self.searches += 1;
        if self.searches > MAX_SEARCHES {
            return None;
        }
        let fits = |span: &&&'a Span| {
            !self.taken.contains(&span.span_id) && fields::has_identity(aligner.nodes[node], span)
        };
        let found = match aligner.exact_identity(node) {
            Some(identity) => self.by_identity.get(&identity)?.iter().find(fits),
            None => self.available.iter().find(fits),
        }?;
        let index = aligner.forest.index(found.span_id)?;
        self.moved.insert(found.span_id);
        self.taken.extend(aligner.forest.related(index));
        Some(index)
    }
}

fn replace_missing<'a>(
    node: &mut Aligned<'a>,
    extra: &mut ExtraSpans<'a>,
    aligner: &mut Aligner<'a>,
) {
    if let Aligned::Missing {
        index: missing,
        found,
        required,
        ..
    } = node
        && *required - *found == 1
        && let Some(span) = extra.take(*missing, aligner)
    {
        let mut pair = aligner.pair(*missing, span);
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
