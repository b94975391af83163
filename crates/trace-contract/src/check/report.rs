//! Renders a mismatch as text: the expected tree on the left, the actual tree on the
//! right, with the first difference marked, on one screen.

use std::fmt::Write;
use std::ops::Range;

use super::alignment::Alignment;
use super::difference::Difference;
use super::rows::{Mark, Row, rows};
use crate::model::Trace;
use crate::text::{plural, truncate};

/// The number of rows that fit on a screen. Larger trees are folded first.
const MAX_ROWS: usize = 32;
/// The width of one tree; two trees and the margin fit into 120 columns.
const MAX_COLUMNS: usize = 57;
const MIN_COLUMNS: usize = 20;
/// If the first difference is deeper, the trees are moved to the left.
const MAX_INDENTS: usize = 12;
/// The number of differences that are listed in addition to the first.
const MAX_OTHERS: usize = 8;

/// The complete report, without a newline at its end.
pub(super) fn render(
    trace: &Trace,
    alignment: &Alignment<'_>,
    differences: &[Difference],
) -> String {
    let mut report = String::new();
    let Some(first) = differences.first() else {
        return report;
    };
    let _ = writeln!(report, "{first}\n");
    let mut trees = rows(alignment, first, false);
    if trees.len() > MAX_ROWS {
        trees = rows(alignment, first, true);
    }
    write_rows(&mut report, &trees);
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

fn write_rows(report: &mut String, rows: &[Row]) {
    let visible = visible(rows);
    // A difference deep in the tree would be indented out of the screen.
    let shown = &rows[visible.clone()];
    let first = shown.iter().find(|row| row.mark == Mark::First);
    let outermost = first.map_or(0, |row| row.depth.saturating_sub(MAX_INDENTS));
    let texts: Vec<_> = shown.iter().map(|row| row.texts(outermost)).collect();
    let width = texts
        .iter()
        .map(|(expected, _)| expected.chars().count())
        .max();
    let width = width.unwrap_or(0).clamp(MIN_COLUMNS, MAX_COLUMNS);
    let _ = writeln!(report, "  {:<width$} | actual", "expected");
    if visible.start > 0 {
        let _ = writeln!(report, "  ... {}", plural(visible.start, "line"));
    }
    for (row, (expected, actual)) in shown.iter().zip(&texts) {
        let mark = match row.mark {
            Mark::Same => ' ',
            Mark::Differs => '!',
            Mark::First => '>',
        };
        let expected = truncate(expected, width);
        let actual = truncate(actual, MAX_COLUMNS);
        let line = format!("{mark} {expected:<width$} | {actual}");
        let _ = writeln!(report, "{}", line.trim_end());
    }
    if visible.end < rows.len() {
        let _ = writeln!(report, "  ... {}", plural(rows.len() - visible.end, "line"));
    }
}

/// The rows that fit on the screen, with the first difference among them.
fn visible(rows: &[Row]) -> Range<usize> {
    if rows.len() <= MAX_ROWS {
        return 0..rows.len();
    }
    let first = rows.iter().position(|row| row.mark == Mark::First);
    let start = first.unwrap_or(0).saturating_sub(MAX_ROWS / 2);
    let end = (start + MAX_ROWS).min(rows.len());
    end - MAX_ROWS..end
}

fn write_others(report: &mut String, others: &[Difference]) {
    if others.is_empty() {
        return;
    }
    let _ = writeln!(report, "\nand {}:", plural(others.len(), "more difference"));
    for other in others.iter().take(MAX_OTHERS) {
        let _ = writeln!(report, "  - {other}");
    }
    if others.len() > MAX_OTHERS {
        let _ = writeln!(report, "  - ... {} more", others.len() - MAX_OTHERS);
    }
}
