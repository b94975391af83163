//! Why a contract is invalid: the file, the line, the field and a hint.

use std::fmt;
use std::path::{Path, PathBuf};

/// A contract that cannot be read or is invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractError {
    path: Option<PathBuf>,
    /// Line and column, from 1.
    position: Option<(usize, usize)>,
    /// The text of that line.
    line: Option<String>,
    message: String,
    hint: Option<String>,
}

impl ContractError {
    /// The number of the line that is invalid, from 1.
    pub fn line(&self) -> Option<usize> {
        self.position.map(|(line, _)| line)
    }

    /// How to correct the contract, if that is known.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The file cannot be read.
    pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> Self {
        Self {
            hint: Some("expected the path of a contract's YAML file".to_owned()),
            ..Self::invalid(Some(path), &format!("cannot be read: {error}"))
        }
    }

    /// The contract is invalid, but no single line is.
    pub(super) fn invalid(path: Option<&Path>, message: &str) -> Self {
        Self {
            path: path.map(Path::to_owned),
            position: None,
            line: None,
            message: message.to_owned(),
            hint: None,
        }
    }

    /// The text is not YAML, or a field is invalid.
    pub(super) fn malformed(path: Option<&Path>, text: &str, error: &serde_norway::Error) -> Self {
        let position = error.location().map(|at| (at.line(), at.column()));
        let message = without_position(&error.to_string());
        Self {
            path: path.map(Path::to_owned),
            line: position
                .and_then(|(line, _)| text.lines().nth(line - 1))
                .map(|line| line.trim_end().to_owned()),
            position,
            hint: hint(&message),
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
        if let Some((line, column)) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(line) = &self.line {
            write!(f, "\n    {line}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ContractError {}

/// The message without its position, which `Display` writes in front of it.
fn without_position(message: &str) -> String {
    match message.rfind(" at line ") {
        Some(end) => message[..end].to_owned(),
        None => message.to_owned(),
    }
}

/// A hint for common mistakes. serde's messages quote the names in backticks: first
/// the one that was found, then those that are allowed.
fn hint(message: &str) -> Option<String> {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    if message.contains("unknown field") || message.contains("unknown variant") {
        let (found, allowed) = quoted.split_first()?;
        let (_, nearest) = allowed
            .iter()
            .map(|name| (strsim::levenshtein(found, name), name))
            .min()
            .filter(|(distance, name)| *distance <= 2.max(name.len() / 3))?;
        return Some(format!("did you mean `{nearest}`?"));
    }
    if message.contains("recursion limit exceeded") {
        return Some(
            "the spans are nested too deeply for YAML: write the spans as a list, `spans:` with \
             the `depth` of each"
                .to_owned(),
        );
    }
    if message.contains("missing field") {
        let field = quoted.first()?;
        return Some(format!(
            "every span needs a service, a kind and a name: add `{field}:`"
        ));
    }
    None
}
