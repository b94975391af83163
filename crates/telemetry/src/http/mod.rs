//! HTTP on both sides of a call: the server layer, the client, and what the
//! stable HTTP semantic conventions ask of their spans.
//!
//! Both make their spans with the OpenTelemetry API, all attributes at the
//! start where the sampler may say yes, and attach the span's context at every
//! poll. Neither puts a header value, a query value or a credential anywhere.

mod access_log;
mod base_url;
mod call_error;
mod client;
mod client_span;
mod names;
mod peer;
mod recent;
mod request_attributes;
mod retry;
mod server;
mod server_span;
mod traced_body;

pub use base_url::{BaseUrl, BaseUrlError};
pub use call_error::CallError;
pub use client::{ClientConfig, client};
pub use client_span::Route;
pub use peer::Peer;
pub use server::{Outcome, ResponseFuture, ServerLayer, ServerService};

/// `error.type` of a span whose work was dropped before it had an outcome: the
/// caller went away, or an outer timeout ended it.
pub(crate) const CANCELLED: &str = "cancelled";
