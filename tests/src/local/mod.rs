//! The services as processes of this machine.

mod binaries;
mod config;
mod service;
mod system;
#[cfg(test)]
mod tests;

pub use binaries::{Binaries, DIRECTORY, Profile, build, build_auditable};
pub use config::{Ports, SystemConfig};
pub use service::Service;
pub use system::System;
