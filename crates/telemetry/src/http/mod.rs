//! HTTP on both sides of a call: the server layer and the client.
//!
//! Their spans follow the stable HTTP semantic conventions. They are made with
//! the OpenTelemetry API: all attributes are set at the start if the span may be
//! sampled, and its context is attached at every poll. No span, log line or error
//! contains a header value, a query value or a credential.

mod access_log;
mod base_url;
mod call_error;
mod client;
mod client_span;
mod forwarded;
mod peer;
mod peer_ca;
mod probes;
mod request_attributes;
mod retry;
mod server;
mod server_span;
mod span_name;
mod traced_body;

pub use base_url::{BaseUrl, BaseUrlError};
pub use call_error::CallError;
pub use client::{ClientConfig, client};
pub use client_span::Route;
pub use peer::Peer;
pub use peer_ca::PeerCa;
pub use probes::Probes;
pub use retry::{SHOULD_RETRY, forbid_retry};
pub use server::{ServerFuture, ServerLayer, ServerService};
pub use traced_body::TracedBody;
