//! Signs that spans of a trace are missing.

use std::collections::HashSet;

use crate::ids::SpanId;
use crate::model::{Forest, Span, SpanKind, Trace};
use crate::text::plural;

/// OTLP's span flags: whether the parent is known to be in another process, or not.
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

/// Attributes of calls to databases, which rarely have spans of their own.
const DATABASE: [&str; 2] = ["db.system", "db.system.name"];

/// Signs that the trace is incomplete, each as a sentence: spans without their parent, and
/// calls without a span of the callee. `caller` is the parent of the root, if it is known.
///
/// None of them is certain: the callee may not be traced.
pub fn signs_of_incompleteness(trace: &Trace, caller: Option<SpanId>) -> Vec<String> {
    let forest = Forest::new(trace);
    let mut signs = Vec::new();
    let roots = forest.roots();
    if roots.len() > 1 {
        signs.push(format!(
            "{} have no parent in the trace; a complete trace has one",
            plural(roots.len(), "span")
        ));
    }
    for root in roots {
        let span = forest.span(*root);
        if let Some(parent) = span.parent
            && has_missing_parent(span, parent, caller)
        {
            signs.push(format!(
                "the parent of {} ({parent}) is missing",
                span.title()
            ));
        }
    }
    let spans = trace.spans().iter();
    let linked: HashSet<SpanId> = spans
        .flat_map(|span| &span.links)
        .filter(|link| link.trace_id == trace.id())
        .map(|link| link.span_id)
        .collect();
    for index in 0..forest.len() {
        let span = forest.span(index);
        if is_call(span) && !has_callee(&forest, index) && !linked.contains(&span.span_id) {
            signs.push(format!(
                "{} has no span of its callee below it; that is correct only if the callee is \
                 not traced",
                span.title()
            ));
        }
    }
    signs
}

/// A root whose parent is another process is usually complete: the caller is not traced
/// here.
fn has_missing_parent(span: &Span, parent: SpanId, caller: Option<SpanId>) -> bool {
    let is_local = span.flags & HAS_IS_REMOTE != 0 && span.flags & IS_REMOTE == 0;
    let is_entry = matches!(span.kind, SpanKind::Server | SpanKind::Consumer);
    match caller {
        Some(caller) => parent != caller,
        None => is_local || !is_entry,
    }
}

fn is_call(span: &Span) -> bool {
    let is_database = DATABASE
        .iter()
        .any(|key| span.attributes.contains_key(*key));
    matches!(span.kind, SpanKind::Client | SpanKind::Producer) && !is_database
}

/// Whether a child is the callee, or a nested call, which has its own sign.
fn has_callee(forest: &Forest<'_>, call: usize) -> bool {
    let caller = forest.span(call);
    forest.children(call).iter().any(|child| {
        let child = forest.span(*child);
        let is_entry = matches!(child.kind, SpanKind::Server | SpanKind::Consumer);
        is_entry || is_call(child) || child.service() != caller.service()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, HELLO_SERVER};
    use crate::model::Value;

    fn signs(change: impl FnOnce(&mut Vec<Span>)) -> Vec<String> {
        let mut spans = fixture::spans();
        change(&mut spans);
        let caller = Some(fixture::caller().span_id());
        signs_of_incompleteness(&fixture::trace(spans), caller)
    }

    #[test]
    fn missing_spans_are_noticed_by_what_is_left_of_the_trace() {
        let callee = "has no span of its callee below it";
        let cases: [(usize, &[&str]); 4] = [
            (0, &["the parent of gateway INTERNAL hello"]),
            (
                3,
                &[
                    "2 spans have no parent",
                    "the parent of hello INTERNAL greet",
                    callee,
                ],
            ),
            (
                6,
                &["2 spans", "the parent of gateway INTERNAL visitor", callee],
            ),
            (7, &[]),
        ];
        for (missing, expected) in cases {
            let found = signs(|spans| drop(spans.remove(missing)));
            assert_eq!(
                found.len(),
                expected.len(),
                "without span {missing}: {found:#?}"
            );
            for (sign, expected) in found.iter().zip(expected) {
                assert!(
                    sign.contains(expected),
                    "without span {missing}: {found:#?}"
                );
            }
        }
        assert_eq!(signs(|_| {}), Vec::<String>::new(), "a complete trace");
        let found = signs(|spans| spans.truncate(HELLO_SERVER));
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].contains(callee), "{found:#?}");
    }

    #[test]
    fn a_database_needs_no_span_of_its_own() {
        let found = signs(|spans| {
            spans.truncate(HELLO_SERVER);
            let system = ("db.system.name".to_owned(), Value::from("postgresql"));
            spans[2].attributes.extend([system]);
        });
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn a_message_may_be_linked_instead_of_continued() {
        let parent = fixture::span_id(8);
        let send = fixture::span(9, parent, "gateway", SpanKind::Producer, "send");
        let found = signs(|spans| spans.push(send.clone()));
        assert!(
            found[0].contains("gateway PRODUCER send has no span"),
            "{found:?}"
        );
        let found = signs(|spans| {
            let mut receive = fixture::span(10, parent, "mail", SpanKind::Consumer, "process");
            receive.links.push(crate::model::Link {
                trace_id: fixture::trace_id(),
                span_id: send.span_id,
                trace_state: String::new(),
                attributes: crate::model::Attributes::new(),
            });
            spans.extend([send, receive]);
        });
        assert_eq!(found, Vec::<String>::new());
    }
}
