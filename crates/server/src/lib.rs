//! What every service's main shares: settings, listeners, serving with limits,
//! health, and an end in which nothing accepted is lost.
//!
//! A main reads its [`settings`], brings telemetry up, binds its [`Listeners`],
//! and calls [`run`] with its [`Routes`] and [`shutdown_signal`]; what [`run`]
//! returns says how long the last spans may take. HTTP/1.1 without TLS and
//! without upgrades: in a cluster, a proxy or a mesh speaks the rest.

mod accept;
mod activity;
mod admin;
pub mod answer;
mod body;
mod connection;
mod drain;
mod endpoint;
mod guard;
mod handshake;
mod listen;
mod reminder;
mod run;
mod service;
mod settings;
mod signals;
mod socket;
mod start;

pub use endpoint::Endpoint;
pub use guard::Traced;
pub use listen::{BindError, Listeners};
pub use run::{Routes, Served, run};
pub use settings::{Settings, duration, positive};
pub use signals::shutdown_signal;
pub use start::{Config, settings};

/// The allocator of the images. Of those tried it takes the least CPU where
/// connections move between threads, and under load a fifth of mimalloc's memory.
#[cfg(any(target_env = "musl", feature = "jemalloc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
