//! The two kinds of failure, which have different exit statuses.

use std::fmt::Display;

use trace_contract::VerifyError;

/// Why the exit status is not 0.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The trace or the response differs: status 1, reported on the standard output.
    Differs(String),
    /// The trace could not be checked: status 2, reported on the standard error.
    NotChecked(String),
}

impl Failure {
    pub(crate) fn not_checked(message: impl Display) -> Self {
        Self::NotChecked(message.to_string())
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
