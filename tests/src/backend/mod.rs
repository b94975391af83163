//! The real Collector and the real Jaeger on this machine. Their configuration is the
//! chart's; only variables differ.

mod collector;
mod config;
mod origin;
mod pair;
mod server;
#[cfg(test)]
mod tests;
mod tool;

pub use collector::Collector;
pub use config::BackendConfig;
pub use origin::{Missing, Origin, OriginKind, build, find_by};
pub use pair::Backend;
pub use tool::Tool;
