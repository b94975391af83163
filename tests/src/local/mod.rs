//! The services as processes of this machine.

mod binaries;
mod service;
mod settings;
mod system;
#[cfg(test)]
mod tests;

pub use binaries::{Binaries, DIRECTORY, Profile, build, build_auditable};
pub use service::Service;
pub use settings::{Ports, SystemSettings};
pub use system::System;
