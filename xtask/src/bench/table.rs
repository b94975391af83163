//! The figures beside their bars.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use ::tests::local::Binaries;
use anyhow::Result;

use super::Arguments;
use super::cold::Starts;
use super::round::{Outcome, Round, Variant};

const MEGABYTE: f64 = 1e6;

/// All figures of a run.
pub(super) struct Table {
    title: String,
    rows: Vec<Row>,
}

struct Row {
    what: String,
    median: f64,
    /// The least and the greatest.
    spread: (f64, f64),
    unit: &'static str,
    /// What must not be exceeded.
    bar: Option<f64>,
}

impl Table {
    pub(super) fn new(
        arguments: &Arguments,
        rounds: &[Round],
        cold: &Starts,
        programs: &Binaries,
    ) -> Result<Self> {
        let mut rows = costs(rounds);
        rows.extend(latencies(rounds));
        rows.extend(memory(rounds));
        for (name, starts) in [("gateway", &cold.gateway), ("hello", &cold.hello)] {
            let what = format!("cold start to the first answer, {name}");
            rows.push(Row::new(what, "ms", starts.iter().map(millis)).at_most(15.0));
        }
        for (name, program) in [("gateway", &programs.gateway), ("hello", &programs.hello)] {
            let what = format!("size of the program, {name}");
            rows.push(Row::new(what, "MB", [size(program)?]).at_most(6.0));
        }
        let (made, came) = rounds.iter().fold((0, 0), |(made, came), round| {
            (made + round.spans.0, came + round.spans.1)
        });
        Ok(Self {
            title: format!(
                "{} rounds of {} requests on {} connections; spans: {made} made, {came} arrived",
                rounds.len(),
                arguments.requests,
                arguments.connections
            ),
            rows,
        })
    }

    /// Whether no bar is missed.
    pub(super) fn met(&self) -> bool {
        self.rows.iter().all(|row| row.met() != Some(false))
    }
}

fn costs(rounds: &[Round]) -> Vec<Row> {
    use Variant::{Plain, Traced, Untraced};
    let ratio =
        |what: &str, of, to| Row::new(what, "", rounds.iter().map(|round| round.ratio(of, to)));
    let mut rows = vec![
        ratio("CPU traced / untraced", Traced, Untraced).at_most(1.3),
        ratio("CPU untraced / axum and reqwest alone", Untraced, Plain).at_most(1.0),
    ];
    for (name, variant) in NAMES {
        let cpu = rounds.iter().map(|round| micros(&round.of(variant).cpu));
        rows.push(Row::new(format!("CPU a request, {name}"), "µs", cpu));
    }
    rows
}

const NAMES: [(&str, Variant); 3] = [
    ("traced", Variant::Traced),
    ("untraced", Variant::Untraced),
    ("axum and reqwest alone", Variant::Plain),
];

fn latencies(rounds: &[Round]) -> Vec<Row> {
    let p50 = latency(rounds, "p50", |outcome| outcome.p50);
    let p99 = latency(rounds, "p99", |outcome| outcome.p99);
    p50.chain(p99).collect()
}

fn latency(
    rounds: &[Round],
    quantile: &'static str,
    pick: impl Fn(&Outcome) -> Duration,
) -> impl Iterator<Item = Row> {
    NAMES.into_iter().map(move |(name, variant)| {
        let all = rounds.iter().map(|round| millis(&pick(round.of(variant))));
        Row::new(format!("{quantile}, {name}"), "ms", all)
    })
}

fn memory(rounds: &[Round]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (place, name) in ["gateway", "hello"].into_iter().enumerate() {
        let peak = |round: &Round| megabytes(round.of(Variant::Traced).memory[place]);
        let what = format!("most memory under load, traced, {name}");
        rows.push(Row::new(what, "MB", rounds.iter().map(peak)).at_most(16.0));
    }
    rows
}

impl Row {
    fn new(
        what: impl Into<String>,
        unit: &'static str,
        all: impl IntoIterator<Item = f64>,
    ) -> Self {
        let mut all: Vec<f64> = all.into_iter().collect();
        all.sort_by(f64::total_cmp);
        let at = |place: usize| all.get(place).copied().unwrap_or(f64::NAN);
        let middle = all.len() / 2;
        let median = if all.len().is_multiple_of(2) {
            f64::midpoint(at(middle.wrapping_sub(1)), at(middle))
        } else {
            at(middle)
        };
        Self {
            what: what.into(),
            median,
            spread: (at(0), at(all.len().wrapping_sub(1))),
            unit,
            bar: None,
        }
    }

    fn at_most(self, bar: f64) -> Self {
        Self {
            bar: Some(bar),
            ..self
        }
    }

    /// Whether the median, as it is shown, keeps to the bar; `None` without one.
    fn met(&self) -> Option<bool> {
        let shown = (self.median * 100.0).round() / 100.0;
        self.bar.map(|bar| shown <= bar)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.title)?;
        writeln!(f, "{:<46} {:>10}    {:<20} bar", "", "median", "spread")?;
        for row in &self.rows {
            let median = format!("{:.2} {}", row.median, row.unit);
            let spread = format!("{:.2} to {:.2}", row.spread.0, row.spread.1);
            write!(
                f,
                "{:<46} {:>10}    {spread:<20}",
                row.what,
                median.trim_end()
            )?;
            if let (Some(bar), Some(met)) = (row.bar, row.met()) {
                write!(f, " {bar:.1}  {}", if met { "met" } else { "MISSED" })?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

fn millis(duration: &Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn micros(duration: &Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

fn size(program: &Path) -> Result<f64> {
    Ok(megabytes(std::fs::metadata(program)?.len()))
}

#[expect(clippy::cast_precision_loss, reason = "exact up to a petabyte")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / MEGABYTE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_the_median_and_the_spread() {
        let row = Row::new("odd", "", [3.0, 1.0, 2.0]);
        assert_eq!((row.median, row.spread), (2.0, (1.0, 3.0)));
        let row = Row::new("even", "", [4.0, 1.0, 2.0, 3.0]);
        assert_eq!((row.median, row.spread), (2.5, (1.0, 4.0)));
    }

    #[test]
    fn a_bar_is_kept_by_the_figure_that_is_shown() {
        let row = |median| Row::new("", "", [median]).at_most(1.0).met();
        assert_eq!(row(1.0049), Some(true));
        assert_eq!(row(1.0051), Some(false));
        assert_eq!(Row::new("", "", [9.0]).met(), None);
        assert_eq!(row(f64::NAN), Some(false), "no figure keeps no bar");
    }
}
