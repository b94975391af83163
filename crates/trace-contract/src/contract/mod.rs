//! The contract language: a YAML description of the trace of one request.
//!
//! A contract is a tree of spans. Each span has its identity (`service`, `kind`,
//! `name`), its status, attributes, events and links, and its children. Other
//! children are not allowed unless the span has `more: true`. `tree` writes deep trees, and
//! several trees, as a flat list. The crate's README and
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
mod tree;
mod yaml;

use std::path::Path;

pub use error::ContractError;
pub use matcher::{Matcher, Pattern, Text, ValueType};
pub use repeat::Repeat;
#[cfg(feature = "schema")]
pub use schema::json_schema;
pub use span::{EventContract, LinkContract, LinkTarget, SpanContract};
pub use status::StatusContract;

pub(crate) use tree::free;

use crate::deep;

/// What the trace of one request must be: a tree of spans, or several trees.
#[derive(Debug, PartialEq)]
pub struct Contract {
    roots: Vec<SpanContract>,
    depth: usize,
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
        Self::checked(vec![root]).map_err(|message| ContractError::invalid(None, &message))
    }

    /// Creates a contract from valid roots.
    pub(crate) fn from_roots(roots: Vec<SpanContract>) -> Self {
        let depth = tree::depth(&roots);
        Self { roots, depth }
    }

    /// The root spans. A trace that is not broken has one.
    pub fn roots(&self) -> &[SpanContract] {
        &self.roots
    }

    /// The number of levels of the deepest tree.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// The contract in YAML. Deep trees, and several trees, are written as a flat list.
    ///
    /// # Panics
    /// When a matcher compares with bytes, which cannot be written in YAML. No
    /// contract that was read or recorded has such a matcher.
    pub fn to_yaml(&self) -> String {
        let yaml = match &self.roots[..] {
            [root] if self.depth <= tree::MAX_NESTED => serde_norway::to_string(root),
            roots => serde_norway::to_string(&tree::Flat::of(roots)),
        };
        let yaml = yaml.expect("the contract has no bytes");
        let inlined = inline::inline_matchers(&yaml);
        // A string of several lines may contain text that looks like a matcher.
        let is_same = |read: &Self| deep::with_stack_for(self.depth, || *read == *self);
        match Self::from_yaml(&inlined) {
            Ok(read) if is_same(&read) => inlined,
            _ => yaml,
        }
    }

    fn read(text: &str, path: Option<&Path>) -> Result<Self, ContractError> {
        let malformed = |error| ContractError::malformed(path, text, &error);
        let invalid = |message: String| ContractError::invalid(path, &message);
        let roots = if tree::Flat::is_written_in(text) {
            let flat: tree::Flat = serde_norway::from_str(text).map_err(malformed)?;
            flat.into_roots().map_err(invalid)?
        } else {
            vec![serde_norway::from_str(text).map_err(malformed)?]
        };
        Self::checked(roots).map_err(invalid)
    }

    fn checked(roots: Vec<SpanContract>) -> Result<Self, String> {
        // First, because it frees deep trees.
        let contract = Self::from_roots(roots);
        if contract.depth > deep::MAX_DEPTH {
            return Err(format!("more than {} levels of spans", deep::MAX_DEPTH));
        }
        if let [root] = &contract.roots[..]
            && (root.repeat != Repeat::ONCE || root.optional)
        {
            return Err("the root span must occur exactly once: \
                        remove `repeat` and `optional`"
                .to_owned());
        }
        tree::all(&contract.roots).try_for_each(SpanContract::validate)?;
        Ok(contract)
    }
}

impl Clone for Contract {
    fn clone(&self) -> Self {
        let roots = deep::with_stack_for(self.depth, || self.roots.clone());
        Self {
            roots,
            depth: self.depth,
        }
    }
}

impl Drop for Contract {
    fn drop(&mut self) {
        tree::free(std::mem::take(&mut self.roots));
    }
}
