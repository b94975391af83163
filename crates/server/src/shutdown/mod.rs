//! Graceful shutdown: the signal that starts it, and its phases.

mod drain;
mod signal;

pub(crate) use drain::{Drain, Phase};
pub use signal::shutdown_signal;
