//! Why a text is no contract: the file, the line, the field and the remedy.

use std::fmt;
use std::path::{Path, PathBuf};

/// A contract that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractError {
    path: Option<PathBuf>,
    /// Line and column, from 1.
    place: Option<(usize, usize)>,
    /// The line itself.
    line: Option<String>,
    message: String,
    remedy: Option<String>,
}

impl ContractError {
    /// The line of the text that cannot be used, from 1.
    pub fn line(&self) -> Option<usize> {
        self.place.map(|(line, _)| line)
    }

    /// What would be right, where that can be told.
    pub fn remedy(&self) -> Option<&str> {
        self.remedy.as_deref()
    }

    pub(super) fn unread(path: &Path, error: &std::io::Error) -> Self {
        Self {
            path: Some(path.to_owned()),
            place: None,
            line: None,
            message: format!("cannot be read: {error}"),
            remedy: Some("name a contract's YAML file".to_owned()),
        }
    }

    pub(super) fn told(path: Option<&Path>, message: &str) -> Self {
        Self {
            path: path.map(Path::to_owned),
            place: None,
            line: None,
            message: message.to_owned(),
            remedy: None,
        }
    }

    pub(super) fn malformed(path: Option<&Path>, text: &str, error: &serde_norway::Error) -> Self {
        let place = error.location().map(|at| (at.line(), at.column()));
        let message = without_place(&error.to_string());
        Self {
            path: path.map(Path::to_owned),
            line: place
                .and_then(|(line, _)| text.lines().nth(line - 1))
                .map(|line| line.trim_end().to_owned()),
            place,
            remedy: remedy(&message),
            message,
        }
    }
}

impl fmt::Display for ContractError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "{}", path.display())?,
            None => f.write_str("contract")?,
        }
        if let Some((line, column)) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(line) = &self.line {
            write!(f, "\n    {line}")?;
        }
        if let Some(remedy) = &self.remedy {
            write!(f, "\n  {remedy}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ContractError {}

/// The place stands before the message already.
fn without_place(message: &str) -> String {
    match message.rfind(" at line ") {
        Some(end) => message[..end].to_owned(),
        None => message.to_owned(),
    }
}

/// A hint for the mistakes that are easily made.
fn remedy(message: &str) -> Option<String> {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    if message.contains("unknown field") || message.contains("unknown variant") {
        let (found, known) = quoted.split_first()?;
        let nearest = known
            .iter()
            .map(|name| (distance(found, name), name))
            .min()
            .filter(|(distance, name)| *distance <= 2.max(name.len() / 3))?;
        return Some(format!("did you mean `{}`?", nearest.1));
    }
    if message.contains("missing field") {
        let field = quoted.first()?;
        return Some(format!(
            "each span says its service, kind and name: add `{field}:`"
        ));
    }
    None
}

/// How many letters must be changed to make one word of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, other) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
