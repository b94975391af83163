//! What the services share: configuration, listeners, limits, health checks, and
//! a graceful shutdown.
//!
//! A service's main reads its configuration with [`read_config`], starts
//! telemetry, binds its [`Listeners`], and calls [`run`] with its [`Routes`] and
//! [`shutdown_signal`]. [`Served`] has the time that is left to export the last
//! spans. The protocol is HTTP/1.1 without TLS and without upgrades: in a
//! cluster, a proxy or a service mesh adds TLS and HTTP/2.

mod admin;
mod config;
mod connection;
mod limits;
mod listen;
mod read_config;
pub mod response;
mod run;
mod shutdown;

pub use config::{Config, duration, positive};
pub use limits::with_middleware;
pub use listen::{BindError, Listeners};
pub use read_config::{ServiceConfig, read_config};
pub use run::{Routes, Served, run};
pub use shutdown::shutdown_signal;

/// The allocator of the images. Of the allocators tried, it takes the least CPU
/// when connections move between threads, and under load a fifth of mimalloc's
/// memory.
#[cfg(any(target_env = "musl", feature = "jemalloc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
