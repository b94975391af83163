//! Everything OpenTelemetry in one place: the pipeline from a span to the
//! Collector, context propagation, and the layers that make the spans of an
//! HTTP server, an endpoint and an HTTP client.
//!
//! A service calls [`init`] first and [`Telemetry::shutdown`] last, wraps its
//! routes in [`http::ServerLayer`], its endpoints in [`EndpointLayer`] and makes
//! its calls with [`http::client`]. Nothing else of OpenTelemetry is named
//! outside of this crate.

pub mod endpoint;
pub mod http;
mod init;
mod log;
pub mod pipeline;
pub mod propagation;
mod resource;
pub mod settings;
