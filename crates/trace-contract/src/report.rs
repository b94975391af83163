//! The report of a mismatch: the expected tree on the left, what came on the
//! right, the first difference marked, on one screen.

use std::fmt::Write;

use crate::check::Anchor;
use crate::check::{Aligned, Alignment, Difference, DifferenceKind};
use crate::contract::SpanContract;
use crate::model::Trace;

/// How many lines the two trees may take before what is as expected is folded.
const LINES: usize = 32;
/// How wide one tree may be; two of them and the margin fit 120 columns.
const COLUMN: usize = 57;
/// How many differences are told beside the first.
const OTHERS: usize = 8;

/// The whole report, without a newline at its end.
pub(crate) fn render(
    trace: &Trace,
    alignment: &Alignment<'_>,
    differences: &[Difference],
) -> String {
    let mut report = String::new();
    let Some(first) = differences.first() else {
        return report;
    };
    let _ = writeln!(report, "{first}\n");
    let mut rows = rows(alignment, first, false);
    if rows.len() > LINES {
        rows = self::rows(alignment, first, true);
    }
    write_rows(&mut report, &rows);
    write_others(&mut report, &differences[1..]);
    let _ = write!(
        report,
        "\ntrace {}: {} in {}",
        trace.id(),
        plural(trace.spans().len(), "span"),
        plural(trace.services().len(), "service"),
    );
    report
}

pub(crate) fn plural(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

fn write_others(report: &mut String, others: &[Difference]) {
    if others.is_empty() {
        return;
    }
    let _ = writeln!(report, "\nand {}:", plural(others.len(), "more difference"));
    for other in others.iter().take(OTHERS) {
        let _ = writeln!(report, "  - {other}");
    }
    if others.len() > OTHERS {
        let _ = writeln!(report, "  - ... {} more", others.len() - OTHERS);
    }
}

struct Row {
    mark: Mark,
    expected: String,
    came: String,
}

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    Same,
    Differs,
    First,
}

fn write_rows(report: &mut String, rows: &[Row]) {
    let width = rows.iter().map(|row| width(&row.expected)).max();
    let width = width.unwrap_or(0).clamp(20, COLUMN);
    let _ = writeln!(report, "  {:<width$} | what came", "expected");
    let shown = shown(rows);
    if shown.start > 0 {
        let _ = writeln!(report, "  ... {}", plural(shown.start, "line"));
    }
    for row in &rows[shown.clone()] {
        let mark = match row.mark {
            Mark::Same => ' ',
            Mark::Differs => '!',
            Mark::First => '>',
        };
        let expected = cut(&row.expected, width);
        let came = cut(&row.came, COLUMN);
        let line = format!("{mark} {expected:<width$} | {came}");
        let _ = writeln!(report, "{}", line.trim_end());
    }
    if shown.end < rows.len() {
        let _ = writeln!(report, "  ... {}", plural(rows.len() - shown.end, "line"));
    }
}

/// The lines that fit, with the first difference among them.
fn shown(rows: &[Row]) -> std::ops::Range<usize> {
    if rows.len() <= LINES {
        return 0..rows.len();
    }
    let first = rows.iter().position(|row| row.mark == Mark::First);
    let start = first.unwrap_or(0).saturating_sub(LINES / 2);
    let end = (start + LINES).min(rows.len());
    end - LINES..end
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// The text, or its beginning when it is too wide.
pub(crate) fn cut(text: &str, most: usize) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(most.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

fn rows(alignment: &Alignment<'_>, first: &Difference, fold: bool) -> Vec<Row> {
    let mut rows = Rows {
        done: Vec::new(),
        first,
        fold,
    };
    let root_note = alignment.root_parent.map(|_| "(wrong parent)");
    rows.push_tree(&alignment.root, 0, root_note);
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
    fn push_tree(&mut self, aligned: &Aligned<'_>, depth: usize, note: Option<&str>) {
        if self.fold && depth > 0 && is_same(aligned) {
            self.push_folded(aligned, depth);
            return;
        }
        match aligned {
            Aligned::Pair {
                node,
                span,
                fields,
                moved,
                ..
            } => {
                let note = if *moved { Some("(not here)") } else { note };
                let came = note.map_or(span.title(), |note| format!("{note} {}", span.title()));
                let mark = self.mark(&Anchor::Span(span.span_id), note.is_some());
                self.push(mark, (depth, &expected_title(node)), (depth, &came));
                for it in fields {
                    let mark = self.mark(&Anchor::Field(span.span_id, it.field.clone()), true);
                    let name = it.field.trim_start_matches("attribute ");
                    let indent = "  ".repeat(depth + 1);
                    let expected = format!("{indent}{name}: {}", it.expected);
                    let came = format!("{indent}{name}: {}", it.got);
                    self.push(mark, (0, &expected), (0, &came));
                }
            }
            Aligned::Missing { node, .. } => {
                let mark = self.mark(&Anchor::node(node), true);
                self.push(mark, (depth, &expected_title(node)), (depth, "(missing)"));
            }
            Aligned::Extra {
                span,
                allowed,
                elsewhere,
                ..
            } => {
                let note = match (allowed, elsewhere) {
                    (true, _) => "(allowed)",
                    (_, true) => "(but here)",
                    _ if depth == 0 && span.parent.is_none() => "(second root)",
                    _ if depth == 0 => "(orphan)",
                    _ => "(extra)",
                };
                let mark = if *elsewhere {
                    Mark::Differs
                } else {
                    self.mark(&Anchor::Span(span.span_id), !allowed)
                };
                self.push(mark, (0, ""), (depth, &format!("{note} {}", span.title())));
            }
        }
        for child in aligned.children() {
            self.push_tree(child, depth + 1, None);
        }
    }

    fn push_folded(&mut self, aligned: &Aligned<'_>, depth: usize) {
        let (title, came) = match aligned {
            Aligned::Pair { node, span, .. } => (expected_title(node), span.title()),
            Aligned::Missing { node, .. } => (expected_title(node), String::new()),
            Aligned::Extra { span, .. } => (String::new(), format!("(allowed) {}", span.title())),
        };
        let below = count(aligned) - 1;
        let note = if below > 0 {
            format!("{came} + {below} as expected")
        } else {
            came
        };
        self.push(Mark::Same, (depth, &title), (depth, &note));
    }

    fn push(&mut self, mark: Mark, expected: (usize, &str), came: (usize, &str)) {
        let line = |(depth, text): (usize, &str)| {
            if depth == 0 {
                text.to_owned()
            } else {
                format!("{}└ {text}", "  ".repeat(depth - 1))
            }
        };
        self.done.push(Row {
            mark,
            expected: line(expected),
            came: line(came),
        });
    }

    fn mark(&self, anchor: &Anchor, differs: bool) -> Mark {
        let is_first = self.first.anchor == *anchor;
        let already = self.done.iter().any(|row| row.mark == Mark::First);
        match differs || self.first.kind() == DifferenceKind::Clock {
            _ if is_first && !already => Mark::First,
            true if differs => Mark::Differs,
            _ => Mark::Same,
        }
    }
}

fn expected_title(node: &SpanContract) -> String {
    let times = match node.times() {
        (1, 1) => String::new(),
        (0, 1) => " (optional)".to_owned(),
        (min, max) if min == max => format!(" ({min} times)"),
        (min, max) => format!(" ({min}..{max} times)"),
    };
    format!("{}{times}", node.title())
}

fn is_same(aligned: &Aligned<'_>) -> bool {
    let own = match aligned {
        Aligned::Pair { fields, moved, .. } => fields.is_empty() && !moved,
        Aligned::Missing { .. } => false,
        Aligned::Extra { allowed, .. } => *allowed,
    };
    own && aligned.children().iter().all(is_same)
}

fn count(aligned: &Aligned<'_>) -> usize {
    1 + aligned.children().iter().map(count).sum::<usize>()
}
