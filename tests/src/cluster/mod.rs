//! The system in a Kubernetes cluster. `cargo xtask e2e` prepares the cluster.
//!
//! To write a cluster test, add a function to one of `tests/tests/cluster_*`:
//!
//! ```ignore
//! #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
//! async fn a_rolling_restart_of_hello_loses_nothing() -> Result<()> {
//!     with_namespace("hello", async |namespace| {
//!         let release = namespace.install_for_load("onetrace", &json!({})).await?;
//!         release.run_without_loss(async || release.restart("hello").await).await?;
//!         Ok(())
//!     })
//!     .await
//! }
//! ```
//!
//! Run it with `cargo xtask e2e a_rolling_restart_of_hello`. Methods of [`Namespace`]
//! install the chart. Methods of [`Release`] send requests, check their traces, put load
//! on the gateway, and restart or stop a component. A component is what the chart calls
//! `gateway`, `hello`, `collector`, `sampler`, `jaeger` or `test`. When a test fails, its
//! error contains the state of all pods, the events and the logs of the namespace.
//!
//! Single requests use a port-forward, which works wherever the Kubernetes API does. Load
//! uses the node port of the gateway's Service, because a forwarded connection bypasses
//! the Service and therefore does not see a rolling restart as a client does.

mod accounting;
mod collector_counts;
mod connection;
mod disruptions;
mod forward;
mod helm;
mod load;
mod metrics;
mod namespace;
mod network;
mod pods;
mod program;
mod release;
mod report;
mod requests;
mod service_logs;
mod stored_traces;
mod with_namespace;

pub use accounting::Accounting;
pub use collector_counts::CollectorCounts;
pub use connection::Cluster;
pub use load::LoadResult;
pub use namespace::Namespace;
pub use network::Destination;
pub use pods::PodState;
pub use program::ProgramOutput;
pub use release::Release;
pub use stored_traces::wait_for_span_count;
pub use with_namespace::with_namespace;
