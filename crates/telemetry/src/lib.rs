//! OpenTelemetry tracing for HTTP services: the pipeline from a span to the
//! Collector, context propagation, and the layers that create the spans of an
//! HTTP server, an endpoint and an HTTP client.
//!
//! A service calls [`init`] first and [`Telemetry::shutdown`] last, wraps its
//! routes in [`http::ServerLayer`] and its endpoints in [`EndpointLayer`], and
//! calls other services through [`http::Peer`]. Only this crate depends on
//! OpenTelemetry's crates. An application creates its own spans with `tracing`
//! (`#[instrument]`); they become children of the endpoint's span.

mod clock;
pub mod config;
mod current;
pub mod endpoint;
mod error;
mod finished_spans;
mod global;
mod hex;
pub mod http;
mod init;
mod log;
pub mod pipeline;
pub mod propagation;
mod sampling;
pub mod testing;
pub mod tls;
mod tracer;
mod unfinished;

pub use config::{Config, ConfigError, ServiceInfo};
pub use current::{set_attribute, spawn, trace_id};
pub use endpoint::{EndpointError, EndpointLayer};
pub use error::InitError;
pub use init::{Telemetry, init, start};
pub use log::flush_log;
pub use opentelemetry::KeyValue;
pub use pipeline::{Accounting, SpanCounts};
pub use propagation::{BaggageKeys, Edge, EdgeTrace};
