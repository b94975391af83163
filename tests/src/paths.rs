//! The path of this repository.

use std::path::Path;

/// The root of the repository.
///
/// # Panics
/// Never: this package is a directory of the workspace.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("this package is a directory of the workspace")
}
