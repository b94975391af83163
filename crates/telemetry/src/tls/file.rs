//! A file that TLS uses.

use std::path::PathBuf;

/// A file, and the setting that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFile {
    /// The setting, for errors.
    pub variable: &'static str,
    /// The file's path.
    pub path: PathBuf,
}

/// Why a file cannot be used. Contains the setting and the path, and nothing of the
/// file's content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable}={path:?}: {reason}")]
pub struct TlsFileError {
    /// The setting that names the file.
    pub variable: &'static str,
    /// The file's path.
    pub path: PathBuf,
    /// The reason, and how to correct it.
    pub reason: String,
}
