//! Reading single variables, and collecting the problems for one report.

use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::error::Problem;

/// The largest integer that the specification requires implementations to accept.
pub(super) const MAX_INTEGER: u32 = i32::MAX.unsigned_abs();

/// The environment, and the problems found so far.
pub(super) struct Environment<'a> {
    lookup: &'a dyn Fn(&str) -> Option<OsString>,
    pub(super) problems: Vec<Problem>,
}

impl<'a> Environment<'a> {
    pub(super) fn new(lookup: &'a dyn Fn(&str) -> Option<OsString>) -> Self {
        Self {
            lookup,
            problems: Vec::new(),
        }
    }

    /// The value without surrounding white space; `None` when unset or empty.
    pub(super) fn text(&mut self, variable: &'static str) -> Option<String> {
        match self.raw(variable)? {
            Ok(value) => Some(value),
            Err(value) => {
                self.problem(variable, &value.to_string_lossy(), "must be UTF-8");
                None
            }
        }
    }

    /// [`Environment::text`] of the first of these variables that is set.
    pub(super) fn first(&mut self, variables: [&'static str; 2]) -> Option<(&'static str, String)> {
        variables
            .into_iter()
            .find_map(|variable| Some((variable, self.text(variable)?)))
    }

    /// Like [`Environment::text`], but no problem ever contains the value.
    pub(super) fn secret(&mut self, variable: &'static str) -> Option<String> {
        let value = self.raw(variable)?;
        if value.is_err() {
            self.secret_problem(variable, "must be UTF-8");
        }
        value.ok()
    }

    /// One of a fixed set of names, case-insensitive.
    pub(super) fn choice<T: Copy>(
        &mut self,
        variable: &'static str,
        choices: &[(&str, T)],
        hint: &str,
    ) -> Option<T> {
        let text = self.text(variable)?;
        let choice = choices
            .iter()
            .find(|(name, _)| text.eq_ignore_ascii_case(name));
        if choice.is_none() {
            self.problem(variable, &text, hint);
        }
        choice.map(|(_, value)| *value)
    }

    /// An integer within `range`.
    pub(super) fn integer(
        &mut self,
        variable: &'static str,
        range: RangeInclusive<u32>,
    ) -> Option<u32> {
        let text = self.text(variable)?;
        // `u32::from_str` accepts a leading `+`, which no other implementation does.
        let number = text.parse().ok().filter(|_| !text.starts_with('+'));
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            let (low, high) = (range.start(), range.end());
            let hint = format!("must be an integer from {low} to {high}");
            self.problem(variable, &text, hint);
        }
        number
    }

    /// A duration in milliseconds, at least one.
    pub(super) fn duration(&mut self, variable: &'static str) -> Option<Duration> {
        let millis = self.integer(variable, 1..=MAX_INTEGER)?;
        Some(Duration::from_millis(millis.into()))
    }

    /// A timeout in milliseconds. Zero means no timeout, for which the
    /// specification allows a very long time: 24 days here.
    pub(super) fn timeout(&mut self, variable: &'static str) -> Option<Duration> {
        let millis = match self.integer(variable, 0..=MAX_INTEGER)? {
            0 => MAX_INTEGER,
            millis => millis,
        };
        Some(Duration::from_millis(millis.into()))
    }

    /// A duration with its unit that is not zero, as in `5m`: one of our own settings.
    pub(super) fn positive_duration(&mut self, variable: &'static str) -> Option<Duration> {
        let text = self.text(variable)?;
        let duration = humantime::parse_duration(&text).ok();
        let duration = duration.filter(|duration| !duration.is_zero());
        if duration.is_none() {
            let hint = "must be a duration with its unit, longer than zero, as in 90s or 5m";
            self.problem(variable, &text, hint);
        }
        duration
    }

    /// Records that the value of `variable` is invalid.
    pub(super) fn problem(&mut self, variable: &'static str, value: &str, hint: impl Into<String>) {
        self.problems.push(Problem {
            variable,
            value: Some(value.to_owned()),
            hint: hint.into(),
        });
    }

    /// The same without the value.
    pub(super) fn secret_problem(&mut self, variable: &'static str, hint: impl Into<String>) {
        self.problems.push(Problem {
            variable,
            value: None,
            hint: hint.into(),
        });
    }

    fn raw(&self, variable: &str) -> Option<Result<String, OsString>> {
        match (self.lookup)(variable)?.into_string() {
            Ok(value) => match value.trim() {
                "" => None,
                trimmed => Some(Ok(trimmed.to_owned())),
            },
            Err(value) => Some(Err(value)),
        }
    }
}
