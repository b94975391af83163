//! Problems with variables, each with the variable, the value (unless it may be
//! secret) and a hint.

use std::borrow::Cow;
use std::fmt;

/// Every variable that prevents the start. Displayed as one line per problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    problems: Vec<Problem>,
}

impl ConfigError {
    pub(super) fn new(mut problems: Vec<Problem>) -> Self {
        for problem in &mut problems {
            problem.fallback = None;
        }
        Self { problems }
    }

    /// The problems, in the order in which the variables are read.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.problems.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for ConfigError {}

/// One variable that is invalid or has no effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The variable's name.
    pub variable: Cow<'static, str>,
    /// Its value; `None` if that may be a secret.
    pub value: Option<String>,
    /// What a valid value looks like.
    pub hint: String,
    /// What happens instead. `None` in an error.
    pub fallback: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Enough characters to recognize a value.
        const SHOWN: usize = 100;
        f.write_str(&self.variable)?;
        if let Some(value) = &self.value {
            // `Debug` escapes newlines and terminal escape sequences.
            match value.char_indices().nth(SHOWN) {
                Some((end, _)) => write!(f, "={:?}...", &value[..end])?,
                None => write!(f, "={value:?}")?,
            }
        }
        write!(f, ": {}", self.hint)?;
        match &self.fallback {
            Some(fallback) => write!(f, "; {fallback}"),
            None => Ok(()),
        }
    }
}
