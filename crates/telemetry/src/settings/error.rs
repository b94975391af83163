//! What is said of settings that cannot be used: every problem at once, each
//! with the variable, the value (unless it is a secret) and what would be right.

use std::fmt;

/// Every setting that could not be used. Displayed as one line a problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsError {
    problems: Vec<Problem>,
}

impl SettingsError {
    pub(super) fn new(problems: Vec<Problem>) -> Self {
        Self { problems }
    }

    /// The problems, in the order in which the variables are read.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.problems.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingsError {}

/// One variable that could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The variable's name.
    pub variable: &'static str,
    /// What it was set to; `None` when the value may hold a secret.
    pub value: Option<String>,
    /// What would be right.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // As much of a value as a person needs to know it again.
        const SHOWN: usize = 100;
        f.write_str(self.variable)?;
        if let Some(value) = &self.value {
            // Debug form: a newline or an escape sequence in a value must not
            // make a second line, or colour a terminal.
            match value.char_indices().nth(SHOWN) {
                Some((end, _)) => write!(f, "={:?}...", &value[..end])?,
                None => write!(f, "={value:?}")?,
            }
        }
        write!(f, ": {}", self.remedy)
    }
}
