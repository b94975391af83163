//! Draws a trace for the terminal: its tree, with a bar for the time of each span.

use std::fmt::{self, Write};

use crate::model::{Forest, Span, Status, Trace, Value};
use crate::text::{plural, printable, truncate};

const DEFAULT_WIDTH: usize = 100;
const MIN_WIDTH: usize = 80;
/// Deeper spans have their level in front of them.
const MAX_INDENTS: usize = 16;
const RED: &str = "\x1b[31m";
const CYAN: &str = "\x1b[36m";
const DIM: &str = "\x1b[2m";
const RESET: &str = "\x1b[0m";

/// The waterfall of a trace, 100 columns wide and without colours.
pub fn waterfall(trace: &Trace) -> String {
    Waterfall::new(trace).to_string()
}

/// The waterfall of a trace. Displays lines, without a newline at the end.
#[derive(Clone, Copy, Debug)]
pub struct Waterfall<'a> {
    trace: &'a Trace,
    width: usize,
    color: bool,
}

impl<'a> Waterfall<'a> {
    /// The waterfall of `trace`, 100 columns wide and without colours.
    pub fn new(trace: &'a Trace) -> Self {
        Self {
            trace,
            width: DEFAULT_WIDTH,
            color: false,
        }
    }

    /// Sets the width in columns; at least 80.
    pub fn width(self, columns: usize) -> Self {
        Self {
            width: columns.max(MIN_WIDTH),
            ..self
        }
    }

    /// Sets whether to use ANSI colours.
    pub fn color(self, color: bool) -> Self {
        Self { color, ..self }
    }

    fn paint(&self, color: &'static str, text: &str) -> String {
        if self.color && !text.is_empty() {
            format!("{color}{text}{RESET}")
        } else {
            text.to_owned()
        }
    }
}

impl fmt::Display for Waterfall<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, end) = self.trace.time_range();
        write!(
            f,
            "trace {}: {}, {}, {}",
            self.trace.id(),
            plural(self.trace.spans().len(), "span"),
            plural(self.trace.services().len(), "service"),
            duration(end - start),
        )?;
        let lines = lines(self.trace);
        let layout = Layout::of(&lines, self.width, start, end);
        for line in &lines {
            f.write_char('\n')?;
            self.write_line(f, line, &layout)?;
        }
        Ok(())
    }
}

impl Waterfall<'_> {
    fn write_line(
        &self,
        f: &mut fmt::Formatter<'_>,
        line: &Line<'_>,
        layout: &Layout,
    ) -> fmt::Result {
        let title = truncate(&line.title, layout.title);
        let padding = " ".repeat(layout.title - title.chars().count());
        let failed = matches!(line.span.status, Status::Error { .. });
        let color = if failed { RED } else { CYAN };
        let (before, bar, after) = layout.bar(line.span);
        write!(
            f,
            "{}{padding} {}{}{}{} {:>8}",
            if failed {
                self.paint(RED, &title)
            } else {
                title
            },
            self.paint(DIM, "│"),
            before,
            self.paint(color, &bar),
            after + &self.paint(DIM, "│"),
            duration(line.span.duration()),
        )?;
        if failed {
            let error = truncate(&error_text(line.span), layout.error - 1);
            write!(f, " {}", self.paint(RED, &error))?;
        }
        Ok(())
    }
}

struct Line<'a> {
    span: &'a Span,
    title: String,
}

/// The spans in the order of the tree (depth first).
fn lines(trace: &Trace) -> Vec<Line<'_>> {
    let forest = Forest::new(trace);
    let mut lines = Vec::new();
    // A stack returns the last element first, so siblings are pushed in reverse.
    let mut stack: Vec<(usize, usize)> = forest.roots().iter().rev().map(|it| (*it, 0)).collect();
    while let Some((index, depth)) = stack.pop() {
        let span = forest.span(index);
        let branch = match depth {
            0 => String::new(),
            1..=MAX_INDENTS => format!("{}└ ", " ".repeat(2 * (depth - 1))),
            _ => format!("{}└ (level {depth}) ", " ".repeat(2 * (MAX_INDENTS - 1))),
        };
        lines.push(Line {
            span,
            title: format!("{branch}{}", span.title()),
        });
        let children = forest.children(index).iter().rev();
        stack.extend(children.map(|it| (*it, depth + 1)));
    }
    lines.extend(forest.in_cycles().map(|index| Line {
        span: forest.span(index),
        title: format!("(in a cycle) {}", forest.span(index).title()),
    }));
    lines
}

struct Layout {
    title: usize,
    bar: usize,
    error: usize,
    start: u64,
    duration: u64,
}

impl Layout {
    /// Titles get the width that they need. Bars get the rest, at least 16 columns.
    fn of(lines: &[Line<'_>], width: usize, start: u64, end: u64) -> Self {
        const DURATION: usize = 9;
        const BORDERS: usize = 3;
        const BAR: usize = 16;
        let widest = lines.iter().map(|it| it.title.chars().count()).max();
        let error = lines
            .iter()
            .filter(|it| matches!(it.span.status, Status::Error { .. }))
            .map(|it| error_text(it.span).chars().count() + 1)
            .max();
        let error = error.unwrap_or(0).min(width / 4);
        let rest = width - DURATION - BORDERS - error;
        let title = widest.unwrap_or(0).min(rest - BAR);
        Self {
            title,
            error,
            bar: (rest - title).min(60),
            start,
            duration: (end - start).max(1),
        }
    }

    /// The spaces before the bar, the bar, and the spaces after it.
    fn bar(&self, span: &Span) -> (String, String, String) {
        let column = |time: u64| {
            let elapsed = u128::from(time.saturating_sub(self.start));
            let column = elapsed * self.bar as u128 / u128::from(self.duration);
            usize::try_from(column).unwrap_or(self.bar).min(self.bar)
        };
        let from = column(span.start).min(self.bar - 1);
        let to = column(span.end).max(from + 1);
        (
            " ".repeat(from),
            "█".repeat(to - from),
            " ".repeat(self.bar - to),
        )
    }
}

/// The error of a failed span: `error.type`, or the first line of its status message.
fn error_text(span: &Span) -> String {
    match (span.attributes.get("error.type"), &span.status) {
        (Some(Value::String(kind)), _) => format!("ERROR {}", printable(kind)),
        (_, Status::Error { message }) if !message.is_empty() => {
            format!("ERROR {}", printable(message.lines().next().unwrap_or("")))
        }
        _ => "ERROR".to_owned(),
    }
}

/// The duration in ns, µs, ms or s, with one decimal.
fn duration(nanoseconds: u64) -> String {
    const MICRO: u64 = 1_000;
    const MILLI: u64 = 1_000_000;
    const SECOND: u64 = 1_000_000_000;
    let (unit, name) = match nanoseconds {
        0..MICRO => return format!("{nanoseconds} ns"),
        MICRO..MILLI => (MICRO, "µs"),
        MILLI..SECOND => (MILLI, "ms"),
        _ => (SECOND, "s"),
    };
    // Divides first: the longest duration times ten is larger than 64 bits.
    let tenths = nanoseconds / (unit / 10);
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, GREET, HELLO_SERVER};

    fn failing() -> Trace {
        let mut spans = fixture::spans();
        spans[GREET].status = Status::Error {
            message: "timed out\nand more".to_owned(),
        };
        spans[HELLO_SERVER].status = Status::Error {
            message: String::new(),
        };
        let kind = ("error.type".to_owned(), Value::from("503"));
        spans[HELLO_SERVER].attributes.extend([kind]);
        fixture::trace(spans)
    }

    #[test]
    fn the_tree_has_a_bar_per_span() {
        insta::assert_snapshot!(waterfall(&failing()));
    }

    #[test]
    fn lines_fit_the_width() {
        let mut spans = fixture::spans();
        spans[GREET].name = "a very long name ".repeat(20);
        let trace = fixture::trace(spans);
        for width in [80, 120] {
            let drawn = Waterfall::new(&trace).width(width).to_string();
            for line in drawn.lines() {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
        }
    }

    #[test]
    fn colours_do_not_change_the_text() {
        let trace = failing();
        let mut coloured = Waterfall::new(&trace).color(true).to_string();
        assert!(coloured.contains(RED), "failed spans are red");
        for code in [RED, CYAN, DIM, RESET] {
            coloured = coloured.replace(code, "");
        }
        assert_eq!(coloured, waterfall(&trace));
    }

    #[test]
    fn control_characters_in_a_name_are_escaped() {
        let mut spans = fixture::spans();
        spans[GREET].name = "red\x1b[31m\nline".to_owned();
        let drawn = waterfall(&fixture::trace(spans));
        assert!(drawn.contains(r"red\u{1b}[31m\nline"), "{drawn}");
    }

    #[test]
    fn durations_have_a_suitable_unit() {
        let shown = [0, 999, 1_500, 12_345_678, 61_000_000_000, u64::MAX].map(duration);
        let expected = [
            "0 ns",
            "999 ns",
            "1.5 µs",
            "12.3 ms",
            "61.0 s",
            "18446744073.7 s",
        ];
        assert_eq!(shown, expected);
    }
}
