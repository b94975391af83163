//! The rows of a report: the expected and the actual tree, line by line.

use super::alignment::{Aligned, Alignment};
use super::difference::{Anchor, Difference};
use super::fields::FieldDifference;
use crate::contract::SpanContract;
use crate::model::Span;

/// One line of both trees.
pub(super) struct Row {
    pub(super) mark: Mark,
    pub(super) expected: String,
    pub(super) actual: String,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Mark {
    Same,
    Differs,
    /// The row of the most important difference.
    First,
}

/// The rows of both trees. With `fold`, a subtree without a difference takes one row.
pub(super) fn rows(alignment: &Alignment<'_>, first: &Difference, fold: bool) -> Vec<Row> {
    let mut rows = Rows {
        done: Vec::new(),
        first,
        fold,
    };
    let root_remark = alignment.root_parent.map(|_| "(wrong parent)");
    rows.push_tree(&alignment.root, 0, root_remark);
    for other in &alignment.others {
        rows.push_tree(other, 0, None);
    }
    rows.done
}

struct Rows<'a> {
    done: Vec<Row>,
    first: &'a Difference,
    fold: bool,
}

impl Rows<'_> {
    fn push_tree(&mut self, aligned: &Aligned<'_>, depth: usize, remark: Option<&str>) {
        if self.fold && depth > 0 && is_same(aligned) {
            self.push_folded(aligned, depth);
            return;
        }
        match aligned {
            Aligned::Pair {
                node,
                span,
                fields,
                misplaced,
                ..
            } => {
                let remark = if *misplaced {
                    Some("(not here)")
                } else {
                    remark
                };
                self.push_pair(node, span, depth, remark);
                for field in fields {
                    self.push_field(span, field, depth);
                }
            }
            Aligned::Missing { node, .. } => {
                let mark = self.mark(&Anchor::node(node), true);
                let expected = branch(depth, &expected_title(node));
                self.push(mark, expected, branch(depth, "(missing)"));
            }
            Aligned::Extra {
                span,
                allowed,
                compared_elsewhere,
                ..
            } => self.push_extra(span, *allowed, *compared_elsewhere, depth),
        }
        for child in aligned.children() {
            self.push_tree(child, depth + 1, None);
        }
    }

    fn push_pair(&mut self, node: &SpanContract, span: &Span, depth: usize, remark: Option<&str>) {
        let actual = match remark {
            Some(remark) => format!("{remark} {}", span.title()),
            None => span.title(),
        };
        let mark = self.mark(&Anchor::Span(span.span_id), remark.is_some());
        let expected = branch(depth, &expected_title(node));
        self.push(mark, expected, branch(depth, &actual));
    }

    fn push_field(&mut self, span: &Span, difference: &FieldDifference, depth: usize) {
        let FieldDifference {
            field,
            expected,
            actual,
            ..
        } = difference;
        let mark = self.mark(&Anchor::Field(span.span_id, field.clone()), true);
        let name = field.trim_start_matches("attribute ");
        let indent = "  ".repeat(depth + 1);
        self.push(
            mark,
            format!("{indent}{name}: {expected}"),
            format!("{indent}{name}: {actual}"),
        );
    }

    fn push_extra(&mut self, span: &Span, allowed: bool, compared_elsewhere: bool, depth: usize) {
        let remark = match (allowed, compared_elsewhere) {
            (true, _) => "(allowed)",
            (_, true) => "(but here)",
            _ if depth == 0 && span.parent.is_none() => "(second root)",
            _ if depth == 0 => "(orphan)",
            _ => "(extra)",
        };
        let mark = if compared_elsewhere {
            Mark::Differs
        } else {
            self.mark(&Anchor::Span(span.span_id), !allowed)
        };
        let actual = branch(depth, &format!("{remark} {}", span.title()));
        self.push(mark, String::new(), actual);
    }

    /// One row for a subtree without a difference.
    fn push_folded(&mut self, aligned: &Aligned<'_>, depth: usize) {
        let (expected, actual) = match aligned {
            Aligned::Pair { node, span, .. } => {
                (branch(depth, &expected_title(node)), span.title())
            }
            Aligned::Missing { node, .. } => (branch(depth, &expected_title(node)), String::new()),
            Aligned::Extra { span, .. } => (String::new(), format!("(allowed) {}", span.title())),
        };
        let actual = match count(aligned) - 1 {
            0 => actual,
            below => format!("{actual} + {below} as expected"),
        };
        self.push(Mark::Same, expected, branch(depth, &actual));
    }

    fn push(&mut self, mark: Mark, expected: String, actual: String) {
        self.done.push(Row {
            mark,
            expected,
            actual,
        });
    }

    fn mark(&self, anchor: &Anchor, differs: bool) -> Mark {
        let is_first =
            self.first.anchor == *anchor && !self.done.iter().any(|row| row.mark == Mark::First);
        if is_first {
            Mark::First
        } else if differs {
            Mark::Differs
        } else {
            Mark::Same
        }
    }
}

/// The text as a node of a tree.
fn branch(depth: usize, text: &str) -> String {
    match depth {
        0 => text.to_owned(),
        _ => format!("{}└ {text}", "  ".repeat(depth - 1)),
    }
}

fn expected_title(node: &SpanContract) -> String {
    let occurrences = match node.occurrences() {
        (1, 1) => String::new(),
        (0, 1) => " (optional)".to_owned(),
        (min, max) if min == max => format!(" ({min} times)"),
        (min, max) => format!(" ({min}..{max} times)"),
    };
    format!("{}{occurrences}", node.title())
}

fn is_same(aligned: &Aligned<'_>) -> bool {
    let own = match aligned {
        Aligned::Pair {
            fields, misplaced, ..
        } => fields.is_empty() && !misplaced,
        Aligned::Missing { .. } => false,
        Aligned::Extra { allowed, .. } => *allowed,
    };
    own && aligned.children().iter().all(is_same)
}

fn count(aligned: &Aligned<'_>) -> usize {
    1 + aligned.children().iter().map(count).sum::<usize>()
}
