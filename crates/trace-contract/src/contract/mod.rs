//! The contract language: what one request's trace must be, as YAML.
//!
//! A contract is a tree of spans. A span says which one it is (`service`,
//! `kind`, `name`), how it ended, what it must carry, and its children, which
//! are exact unless it says `more: true`. The whole language is in the crate's
//! README and in its JSON Schema.

mod error;
mod fold;
mod matcher;
mod node;
mod repeat;
#[cfg(feature = "schema")]
mod schema;
mod status;
#[cfg(test)]
mod tests;
mod yaml;

use std::path::Path;

pub use error::ContractError;
pub use matcher::{Matcher, Pattern, Text, ValueType};
pub use node::{EventContract, LinkContract, LinkTarget, SpanContract};
pub use repeat::Repeat;
#[cfg(feature = "schema")]
pub use schema::json_schema;
pub use status::StatusContract;

/// What one request's trace must be: its root span and, through it, all others.
#[derive(Clone, Debug, PartialEq)]
pub struct Contract {
    root: SpanContract,
}

impl Contract {
    /// Reads a contract.
    ///
    /// # Errors
    /// When the text is no contract: the error names the line, the field and the remedy.
    pub fn from_yaml(text: &str) -> Result<Self, ContractError> {
        Self::read(text, None)
    }

    /// Reads the contract in a file.
    ///
    /// # Errors
    /// When the file cannot be read or is no contract: the error names the file,
    /// the line, the field and the remedy.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ContractError> {
        let path = path.as_ref();
        let text =
            std::fs::read_to_string(path).map_err(|error| ContractError::unread(path, &error))?;
        Self::read(&text, Some(path))
    }

    /// A contract with this root.
    ///
    /// # Errors
    /// When the root may be repeated or left out: a trace has one root.
    pub fn new(root: SpanContract) -> Result<Self, ContractError> {
        Self::checked(root).map_err(|message| ContractError::told(None, &message))
    }

    /// A contract whose root is known to be there once.
    pub(crate) fn of(root: SpanContract) -> Self {
        Self { root }
    }

    /// The root span.
    pub fn root(&self) -> &SpanContract {
        &self.root
    }

    /// The contract in YAML.
    ///
    /// # Panics
    /// When it was made in code and demands that a value equals bytes: these have
    /// no form in YAML, and no contract that was read or recorded has them.
    pub fn to_yaml(&self) -> String {
        let yaml = serde_norway::to_string(&self.root).expect("the contract has no bytes");
        let folded = fold::matchers(&yaml);
        // A text of several lines may hold what looks like a matcher.
        match Self::from_yaml(&folded) {
            Ok(same) if same == *self => folded,
            _ => yaml,
        }
    }

    fn read(text: &str, path: Option<&Path>) -> Result<Self, ContractError> {
        let root = serde_norway::from_str(text)
            .map_err(|error| ContractError::malformed(path, text, &error))?;
        Self::checked(root).map_err(|message| ContractError::told(path, &message))
    }

    fn checked(root: SpanContract) -> Result<Self, String> {
        if root.repeat != Repeat::ONCE || root.optional {
            return Err("the root span must be there once: \
                        leave `repeat` and `optional` to its children"
                .to_owned());
        }
        Ok(Self { root })
    }
}
