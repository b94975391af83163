//! The contract language: a YAML description of the trace of one request.
//!
//! A contract is a tree of spans. Each span has its identity (`service`, `kind`,
//! `name`), its status, attributes, events and links, and its children. Other
//! children are not allowed unless the span has `more: true`. The crate's README and
//! the JSON Schema describe the complete language.

mod error;
mod inline;
mod matcher;
mod repeat;
#[cfg(feature = "schema")]
mod schema;
mod span;
mod status;
#[cfg(test)]
mod tests;
mod yaml;

use std::path::Path;

pub use error::ContractError;
pub use matcher::{Matcher, Pattern, Text, ValueType};
pub use repeat::Repeat;
#[cfg(feature = "schema")]
pub use schema::json_schema;
pub use span::{EventContract, LinkContract, LinkTarget, SpanContract};
pub use status::StatusContract;

/// What the trace of one request must be: a tree of spans.
#[derive(Clone, Debug, PartialEq)]
pub struct Contract {
    root: SpanContract,
}

impl Contract {
    /// Reads a contract from YAML.
    ///
    /// # Errors
    /// When the text is not a valid contract. The error names the line and the field,
    /// and has a hint for common mistakes.
    pub fn from_yaml(text: &str) -> Result<Self, ContractError> {
        Self::read(text, None)
    }

    /// Reads a contract from a file.
    ///
    /// # Errors
    /// When the file cannot be read or is not a valid contract. The error names the
    /// file, the line and the field, and has a hint for common mistakes.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ContractError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path)
            .map_err(|error| ContractError::unreadable(path, &error))?;
        Self::read(&text, Some(path))
    }

    /// Creates a contract from its root span.
    ///
    /// # Errors
    /// When the root is optional or repeated, because a trace has exactly one root, or
    /// when a span is optional and its `repeat` is more than one.
    pub fn new(root: SpanContract) -> Result<Self, ContractError> {
        Self::checked(root).map_err(|message| ContractError::invalid(None, &message))
    }

    /// Creates a contract from a root that is neither optional nor repeated.
    pub(crate) fn from_root(root: SpanContract) -> Self {
        Self { root }
    }

    /// The root span.
    pub fn root(&self) -> &SpanContract {
        &self.root
    }

    /// The contract in YAML.
    ///
    /// # Panics
    /// When a matcher compares with bytes, which cannot be written in YAML. No
    /// contract that was read or recorded has such a matcher.
    pub fn to_yaml(&self) -> String {
        let yaml = serde_norway::to_string(&self.root).expect("the contract has no bytes");
        let inlined = inline::inline_matchers(&yaml);
        // A string of several lines may contain text that looks like a matcher.
        match Self::from_yaml(&inlined) {
            Ok(same) if same == *self => inlined,
            _ => yaml,
        }
    }

    fn read(text: &str, path: Option<&Path>) -> Result<Self, ContractError> {
        let root = serde_norway::from_str(text)
            .map_err(|error| ContractError::malformed(path, text, &error))?;
        Self::checked(root).map_err(|message| ContractError::invalid(path, &message))
    }

    fn checked(root: SpanContract) -> Result<Self, String> {
        if root.repeat != Repeat::ONCE || root.optional {
            return Err("the root span must occur exactly once: \
                        remove `repeat` and `optional`"
                .to_owned());
        }
        root.validate()?;
        Ok(Self { root })
    }
}
