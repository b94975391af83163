//! Writes to the standard output.

use std::io::{self, Write};

use crate::failure::Failure;

/// Writes to the standard output. A closed pipe is not an error.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::not_checked(format!("cannot write: {error}")))
        }
        _ => Ok(()),
    }
}
