//! The two ways to fail, and their exit statuses.

use std::fmt::Display;
use std::process::ExitCode;

use trace_contract::VerifyError;

use crate::print;

/// Why the command does not end with 0.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The trace is not as it must be: status 1, told on the standard output.
    Differs(String),
    /// It could not be checked: status 2, told on the standard error.
    NotChecked(String),
}

impl Failure {
    pub(crate) fn not_checked(message: impl Display) -> Self {
        Self::NotChecked(message.to_string())
    }

    pub(crate) fn report(self) -> ExitCode {
        match self {
            Self::Differs(report) => {
                // When it cannot be written, the exit status still tells.
                let _ = print(&format!("{report}\n"));
                ExitCode::from(1)
            }
            Self::NotChecked(message) => {
                eprintln!("trace-contract: {message}");
                ExitCode::from(2)
            }
        }
    }
}

impl From<VerifyError> for Failure {
    fn from(error: VerifyError) -> Self {
        if error.differs() {
            Self::Differs(error.to_string())
        } else {
            Self::not_checked(error)
        }
    }
}
