//! Reading single variables, and collecting the problems for one report.

use std::borrow::Cow;
use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::error::Problem;
use super::variables::VARIABLES;

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

    /// A Boolean as the specification defines it: `true` in any case is true, all else
    /// is false; what is not `false` is reported.
    pub(super) fn boolean(&mut self, variable: &'static str) -> Option<bool> {
        let choices = [("true", true), ("false", false)];
        self.choice(variable, &choices, "must be true or false")
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

    /// A duration in milliseconds.
    pub(super) fn duration(&mut self, variable: &'static str) -> Option<Duration> {
        let millis = self.integer(variable, 0..=MAX_INTEGER)?;
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

    /// Records that the value of `variable` is invalid and that its default is used.
    pub(super) fn problem(&mut self, variable: &'static str, value: &str, hint: impl Into<String>) {
        self.warn(variable, Some(value), hint, &fallback(variable));
    }

    /// The same without the value.
    pub(super) fn secret_problem(&mut self, variable: &'static str, hint: impl Into<String>) {
        self.warn(variable, None, hint, &fallback(variable));
    }

    /// Records a problem after which the program continues with `fallback`.
    pub(super) fn warn(
        &mut self,
        variable: impl Into<Cow<'static, str>>,
        value: Option<&str>,
        hint: impl Into<String>,
        fallback: &str,
    ) {
        self.problems.push(Problem {
            variable: variable.into(),
            value: value.map(str::to_owned),
            hint: hint.into(),
            fallback: Some(fallback.to_owned()),
        });
    }

    /// Records a problem with one of our own settings, which prevents the start.
    pub(super) fn error(
        &mut self,
        variable: impl Into<Cow<'static, str>>,
        value: Option<&str>,
        hint: impl Into<String>,
    ) {
        self.problems.push(Problem {
            variable: variable.into(),
            value: value.map(str::to_owned),
            hint: hint.into(),
            fallback: None,
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

/// What is used instead of an invalid value: the default, which [`VARIABLES`] has in brackets.
fn fallback(variable: &str) -> String {
    let found = VARIABLES.iter().find(|(name, _)| *name == variable);
    let default = found
        .and_then(|(_, meaning)| meaning.strip_suffix(']')?.rsplit_once('['))
        .map_or("", |(_, default)| default);
    match default {
        "" => "it is ignored".to_owned(),
        default => format!("the default is used: {default}"),
    }
}
