//! Spans that are there, but in the wrong place: a span that is missed in one
//! place and left over in another has the wrong parent.

use std::collections::BTreeSet;

use super::align::{Aligned, Aligner, Alignment};
use super::fields;
use crate::contract::SpanContract;
use crate::ids::SpanId;
use crate::model::Span;

/// Compares each span that is missed with one that is left over and is meant,
/// where there is one.
pub(super) fn find<'a>(alignment: &mut Alignment<'a>, aligner: &mut Aligner<'a>) {
    let mut pool = Pool::default();
    pool.gather(&alignment.root);
    alignment.others.iter().for_each(|it| pool.gather(it));
    claim(&mut alignment.root, &mut pool, aligner);
    mark(&mut alignment.root, &pool.claimed);
    for other in &mut alignment.others {
        mark(other, &pool.claimed);
    }
}

/// The spans that are left over.
#[derive(Default)]
struct Pool<'a> {
    free: Vec<&'a Span>,
    claimed: BTreeSet<SpanId>,
}

impl<'a> Pool<'a> {
    fn gather(&mut self, aligned: &Aligned<'a>) {
        if let Aligned::Extra {
            span,
            allowed: false,
            ..
        } = aligned
        {
            self.free.push(span);
        }
        aligned.children().iter().for_each(|it| self.gather(it));
    }

    /// Takes the first span that the node means, with those below and above it:
    /// no span is compared in two places.
    fn take(&mut self, node: &SpanContract, aligner: &Aligner<'a>) -> Option<usize> {
        let found = self.free.iter().find(|span| fields::is_meant(node, span))?;
        let place = aligner.forest.place(found.span_id)?;
        let related = aligner.forest.related(place);
        self.claimed.insert(found.span_id);
        self.free.retain(|span| !related.contains(&span.span_id));
        Some(place)
    }
}

fn claim<'a>(line: &mut Aligned<'a>, pool: &mut Pool<'a>, aligner: &mut Aligner<'a>) {
    if let Aligned::Missing {
        node, have, need, ..
    } = line
        && *need - *have == 1
        && let Some(place) = pool.take(node, aligner)
    {
        let mut found = aligner.pair(node, place);
        if let Aligned::Pair { moved, .. } = &mut found {
            *moved = true;
        }
        *line = found;
    }
    match line {
        Aligned::Pair { children, .. } | Aligned::Missing { children, .. } => {
            for child in children {
                claim(child, pool, aligner);
            }
        }
        Aligned::Extra { .. } => {}
    }
}

/// What is compared elsewhere is not told twice.
fn mark(aligned: &mut Aligned<'_>, claimed: &BTreeSet<SpanId>) {
    match aligned {
        Aligned::Extra {
            span,
            elsewhere,
            children,
            ..
        } if claimed.contains(&span.span_id) => {
            *elsewhere = true;
            children.clear();
        }
        Aligned::Pair { children, .. }
        | Aligned::Missing { children, .. }
        | Aligned::Extra { children, .. } => {
            for child in children {
                mark(child, claimed);
            }
        }
    }
}
