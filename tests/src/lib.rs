//! What end-to-end tests need: the system under test, load, and assertions about traces.
//! `cargo xtask` uses the same modules for its recipes.
//!
//! | to … | use |
//! | --- | --- |
//! | run the services as local processes | [`local`] |
//! | run them with a receiver, and compare traces with contracts | [`traced_system`], [`contracts`] |
//! | see what the gateway passes on | [`fake_hello`] |
//! | run the real Collector and Jaeger | [`backend`] |
//! | run everything in a Kubernetes cluster | `cluster` (feature `cluster`) |
//! | send many requests | [`load`] |
//! | check that no span was lost | [`accounting`], [`assertions`] |
//! | wait for a condition | [`wait`] |
//! | send a single HTTP request | [`client()`] |
//! | skip a test that cannot run on this machine | [`skip`] |
//!
//! A new test goes into a file of `tests/tests`. If it is about one request, write a contract
//! in `tests/contracts` and
//!
//! ```no_run
//! # use tests::local::SystemConfig;
//! # use tests::traced_system::TracedSystem;
//! # async fn test() -> anyhow::Result<()> {
//! let config = SystemConfig::new().hello("FAULTS", "true");
//! let traced = TracedSystem::with(config).await?;
//! let request = traced.get("/hello")?;
//! let response = traced.check(&request, 200, "hello").await?;
//! assert_eq!(response.body, b"Hello, World!");
//! # Ok(())
//! # }
//! ```
//!
//! If it is about load, hold [`load::ExclusiveLoad`] while the load runs, and compare the span
//! counts of both services with the load's report; `tests/tests/burst.rs` is an example.
//!
//! The rest is what these modules are made of: [`services`] reads which services exist,
//! [`process`] runs a child process, [`watchdog`] stops it if we are killed, [`ports`] finds
//! free ports.

pub mod accounting;
pub mod assertions;
pub mod backend;
mod client;
#[cfg(feature = "cluster")]
pub mod cluster;
pub mod cluster_variables;
pub mod contracts;
pub mod fake_hello;
pub mod load;
pub mod local;
mod paths;
pub mod ports;
pub mod process;
pub mod prometheus;
pub mod services;
pub mod skip;
pub mod traced_system;
pub mod wait;
pub mod watchdog;

pub use client::client;
pub use paths::workspace;
