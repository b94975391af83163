//! The rows of a report: the expected and the actual tree, line by line.

use std::collections::HashMap;

use super::alignment::{Aligned, Alignment};
use super::difference::{Anchor, Difference};
use super::fields::FieldDifference;
use crate::contract::SpanContract;
use crate::model::Span;

/// One line of both trees.
pub(super) struct Row {
    pub(super) mark: Mark,
    /// How deep in the tree; a field is one deeper than its span.
    pub(super) depth: usize,
    /// Whether the line is a span, which is connected to its parent.
    is_span: bool,
    expected: String,
    actual: String,
}

impl Row {
    /// Both texts as nodes of trees that begin at the depth `outermost`.
    pub(super) fn texts(&self, outermost: usize) -> (String, String) {
        let indent = |text: &str| {
            let depth = self.depth.saturating_sub(outermost);
            match (text, self.is_span, self.depth) {
                ("", ..) => String::new(),
                (_, true, 1..) => format!("{}└ {text}", "  ".repeat(depth.saturating_sub(1))),
                _ => format!("{}{text}", "  ".repeat(depth)),
            }
        };
        (indent(&self.expected), indent(&self.actual))
    }
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
        has_first: false,
        same: HashMap::new(),
    };
    if fold {
        for aligned in alignment.roots.iter().chain(&alignment.others) {
            rows.find_same(aligned);
        }
    }
    let root_remark = alignment.root_parent.map(|_| "(wrong parent)");
    for root in &alignment.roots {
        rows.push_tree(root, 0, root_remark);
    }
    for other in &alignment.others {
        rows.push_tree(other, 0, None);
    }
    rows.done
}

struct Rows<'a> {
    done: Vec<Row>,
    first: &'a Difference,
    has_first: bool,
    /// The subtrees without a difference, by their address, with the number of their
    /// rows. Empty if they are not folded.
    same: HashMap<usize, usize>,
}

impl Rows<'_> {
    fn push_tree(&mut self, aligned: &Aligned<'_>, depth: usize, remark: Option<&str>) {
        if depth > 0
            && let Some(count) = self.same.get(&address(aligned))
        {
            self.push_folded(aligned, depth, *count);
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
                self.push(mark, depth, expected_title(node), "(missing)".to_owned());
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
        self.push(mark, depth, expected_title(node), actual);
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
        self.done.push(Row {
            mark,
            depth: depth + 1,
            is_span: false,
            expected: format!("{name}: {expected}"),
            actual: format!("{name}: {actual}"),
        });
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
        let actual = format!("{remark} {}", span.title());
        self.push(mark, depth, String::new(), actual);
    }

    /// One row for a subtree without a difference.
    fn push_folded(&mut self, aligned: &Aligned<'_>, depth: usize, count: usize) {
        let (expected, actual) = match aligned {
            Aligned::Pair { node, span, .. } => (expected_title(node), span.title()),
            Aligned::Missing { node, .. } => (expected_title(node), String::new()),
            Aligned::Extra { span, .. } => (String::new(), format!("(allowed) {}", span.title())),
        };
        let actual = match count - 1 {
            0 => actual,
            below => format!("{actual} + {below} as expected"),
        };
        self.push(Mark::Same, depth, expected, actual);
    }

    fn push(&mut self, mark: Mark, depth: usize, expected: String, actual: String) {
        self.done.push(Row {
            mark,
            depth,
            is_span: true,
            expected,
            actual,
        });
    }

    fn mark(&mut self, anchor: &Anchor, differs: bool) -> Mark {
        if self.first.anchor == *anchor && !self.has_first {
            self.has_first = true;
            Mark::First
        } else if differs {
            Mark::Differs
        } else {
            Mark::Same
        }
    }

    /// Finds the subtrees without a difference. Returns the number of rows of this one if
    /// it is one of them.
    fn find_same(&mut self, aligned: &Aligned<'_>) -> Option<usize> {
        let own = match aligned {
            Aligned::Pair {
                fields, misplaced, ..
            } => fields.is_empty() && !misplaced,
            Aligned::Missing { .. } => false,
            Aligned::Extra { allowed, .. } => *allowed,
        };
        let children = aligned.children().iter();
        let below: Vec<Option<usize>> = children.map(|child| self.find_same(child)).collect();
        let count = 1 + below.into_iter().sum::<Option<usize>>()?;
        own.then(|| {
            self.same.insert(address(aligned), count);
            count
        })
    }
}

fn address(aligned: &Aligned<'_>) -> usize {
    std::ptr::from_ref(aligned).addr()
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
