//! Generates load on a URL, over connections that are kept open: as fast as the server
//! responds, or at a constant rate; until a number of requests, or for some time.
//!
//! Existing load generators do not distinguish a request that the server has accepted from one
//! whose connection was refused or closed before it was sent. The tests of shutdown need
//! that difference.

mod builder;
mod connection;
mod exclusive;
mod plan;
mod report;
mod running;
mod target;
#[cfg(test)]
mod tests;
mod worker;

pub use builder::Load;
pub use exclusive::ExclusiveLoad;
pub use plan::{Pace, Until};
pub use report::{FailureKind, Report};
pub use running::Running;
