//! The measurements next to their limits.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use ::tests::local::Binaries;
use anyhow::Result;

use super::cold_start::ColdStarts;
use super::round::{Measurement, Round};

const MEGABYTE: f64 = 1e6;

/// All measurements of a run.
pub(super) struct Table {
    title: String,
    rows: Vec<Row>,
}

struct Row {
    name: String,
    median: f64,
    /// The minimum and the maximum.
    spread: (f64, f64),
    unit: &'static str,
    limit: Option<f64>,
}

impl Table {
    pub(super) fn new(
        title: &str,
        rounds: &[Round],
        cold_starts: &ColdStarts,
        services: &Binaries,
    ) -> Result<Self> {
        let spans: u64 = rounds.iter().map(|round| round.spans).sum();
        let mut rows = load_rows(rounds);
        for (name, starts) in [
            ("gateway", &cold_starts.gateway),
            ("hello", &cold_starts.hello),
        ] {
            let name = format!("cold start to the first response, {name}");
            rows.push(Row::new(name, "ms", starts.iter().map(millis)).limit(15.0));
        }
        for (name, program) in [("gateway", &services.gateway), ("hello", &services.hello)] {
            let name = format!("program size, {name}");
            rows.push(Row::new(name, "MB", [size(program)?]).limit(6.0));
        }
        Ok(Self {
            title: format!("{title}; all {spans} spans arrived"),
            rows,
        })
    }

    pub(super) fn is_within_limits(&self) -> bool {
        self.rows
            .iter()
            .all(|row| row.is_within_limit() != Some(false))
    }
}

fn load_rows(rounds: &[Round]) -> Vec<Row> {
    let row =
        |name: &str, unit, value: fn(&Round) -> f64| Row::new(name, unit, rounds.iter().map(value));
    let traced = |name, unit, value: fn(&Measurement) -> f64| {
        Row::new(name, unit, rounds.iter().map(|round| value(&round.traced)))
    };
    let untraced = |name, unit, value: fn(&Measurement) -> f64| {
        Row::new(
            name,
            unit,
            rounds.iter().map(|round| value(&round.untraced)),
        )
    };
    vec![
        row("CPU traced / untraced", "", |round| {
            round.traced.cpu.as_secs_f64() / round.untraced.cpu.as_secs_f64()
        })
        .limit(1.3),
        traced("CPU per request, traced", "µs", |it| micros(&it.cpu)),
        untraced("CPU per request, untraced", "µs", |it| micros(&it.cpu)),
        traced("p50, traced", "ms", |it| millis(&it.p50)),
        untraced("p50, untraced", "ms", |it| millis(&it.p50)),
        traced("p99, traced", "ms", |it| millis(&it.p99)),
        untraced("p99, untraced", "ms", |it| millis(&it.p99)),
        traced("peak memory under load, traced, gateway", "MB", |it| {
            megabytes(it.memory[0])
        })
        .limit(16.0),
        traced("peak memory under load, traced, hello", "MB", |it| {
            megabytes(it.memory[1])
        })
        .limit(16.0),
    ]
}

impl Row {
    fn new(
        name: impl Into<String>,
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
            name: name.into(),
            median,
            spread: (at(0), at(all.len().wrapping_sub(1))),
            unit,
            limit: None,
        }
    }

    fn limit(self, limit: f64) -> Self {
        Self {
            limit: Some(limit),
            ..self
        }
    }

    /// Compares the median, rounded as in the table; `None` without a limit.
    fn is_within_limit(&self) -> Option<bool> {
        let rounded = (self.median * 100.0).round() / 100.0;
        self.limit.map(|limit| rounded <= limit)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.title)?;
        writeln!(f, "{:<46} {:>10}    {:<20} limit", "", "median", "spread")?;
        for row in &self.rows {
            let median = format!("{:.2} {}", row.median, row.unit);
            let spread = format!("{:.2} to {:.2}", row.spread.0, row.spread.1);
            write!(
                f,
                "{:<46} {:>10}    {spread:<20}",
                row.name,
                median.trim_end()
            )?;
            if let (Some(limit), Some(within)) = (row.limit, row.is_within_limit()) {
                write!(
                    f,
                    " {limit:.1}  {}",
                    if within { "met" } else { "EXCEEDED" }
                )?;
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
    fn a_limit_holds_for_the_rounded_median() {
        let row = |median| Row::new("", "", [median]).limit(1.0).is_within_limit();
        assert_eq!(row(1.0049), Some(true));
        assert_eq!(row(1.0051), Some(false));
        assert_eq!(Row::new("", "", [9.0]).is_within_limit(), None);
        assert_eq!(
            row(f64::NAN),
            Some(false),
            "without a measurement the limit is not met"
        );
    }
}
