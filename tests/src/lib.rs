//! The system under test, and what drives and watches it.
//!
//! [`services`] reads which there are, [`local`] runs them as processes of this
//! machine, [`backend`] the real Collector and Jaeger beside them, [`load`] sends requests at a rate
//! or as fast as they are answered, [`accounting`] reads what a service says
//! became of its spans. [`process`] and [`wait`] are what these are made of, and
//! [`skip`] is how a test says that it cannot run here.
//!
//! Tests and `cargo xtask` share this library. It leaves the judgement of traces
//! to `trace-contract`, and assertions to the tests.

pub mod accounting;
pub mod backend;
#[cfg(feature = "cluster")]
pub mod cluster;
pub mod cluster_variables;
pub mod judge;
pub mod load;
pub mod local;
mod paths;
pub mod ports;
pub mod process;
pub mod services;
pub mod skip;
pub mod traced;
pub mod wait;
pub mod watchdog;

pub use paths::workspace;
