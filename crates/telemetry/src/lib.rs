//! Everything OpenTelemetry in one place: the pipeline from a span to the
//! Collector, context propagation, and the layers that make the spans of an
//! HTTP server, an endpoint and an HTTP client.
//!
//! A service calls [`init`] first and [`Telemetry::shutdown`] last, wraps its
//! routes in [`http::ServerLayer`] and its endpoints in [`EndpointLayer`], and
//! calls other services as [`http::Peer`]s. Nothing else of OpenTelemetry is named
//! outside of this crate. Spans of an application's own making are `tracing`'s
//! (`#[instrument]`); they become children of the endpoint's span.

pub mod config;
mod current;
pub mod endpoint;
mod global;
pub mod http;
mod init;
mod log;
pub mod pipeline;
pub mod propagation;
mod sampling;
mod unfinished;

pub use config::{Config, ConfigError, ServiceInfo};
pub use current::{set_attribute, spawn, trace_id};
pub use endpoint::{EndpointError, EndpointLayer};
pub use init::{InitError, Telemetry, init};
pub use opentelemetry::KeyValue;
pub use pipeline::{Accounting, SpanCounts};
pub use propagation::{Edge, EdgeTrace};
