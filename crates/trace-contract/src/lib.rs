//! Checks the trace of one request against a contract.
//!
//! A contract ([`Contract`], a YAML file) describes the spans that a request must
//! produce: their tree, names and attributes. Spans are received over OTLP by a
//! [`Receiver`], queried from [`Jaeger`] or [`Tempo`], or read from a file; the check is the
//! same.
//! [`verify`] waits for the complete trace and reports the differences on one screen.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use trace_contract::{Contract, Expectation, Receiver, Request, verify};
//!
//! let receiver = Receiver::bind("127.0.0.1:4318").await?; // OTEL_EXPORTER_OTLP_ENDPOINT
//! let contract = Contract::load("contracts/hello.yaml")?;
//! let request = Request::get("http://127.0.0.1:8080/hello")?;
//! request.send().await?;
//! let caller = request.traceparent();
//! let settled = verify(
//!     &receiver.store().into(),
//!     caller.trace_id(),
//!     &contract,
//!     &Expectation::continues(caller),
//!     Duration::from_secs(10),
//! )
//! .await?;
//! println!("{}", trace_contract::waterfall(&settled.trace));
//! # Ok(())
//! # }
//! ```

pub mod check;
mod client;
pub mod contract;
mod deep;
#[cfg(test)]
mod fixture;
pub mod formats;
pub mod http_client;
pub mod ids;
mod incomplete;
pub mod jaeger;
mod json;
pub mod model;
pub mod otlp;
#[cfg(test)]
mod properties;
mod query;
mod receiver;
mod record;
mod redact;
mod send;
mod source;
mod store;
mod tempo;
mod text;
mod traceparent;
mod verify;
mod waterfall;

pub use check::{Difference, DifferenceKind, Expectation, Mismatch, defects};
pub use client::{Authorities, ClientOptions, OptionsError};
pub use contract::{Contract, ContractError};
pub use ids::{SpanId, TraceId};
pub use incomplete::signs_of_incompleteness;
pub use jaeger::Jaeger;
pub use model::{Span, SpanKind, Status, Trace, Value};
pub use query::QueryError;
pub use receiver::{Behaviour, Receiver};
pub use record::{RecordError, record};
pub use redact::UrlError;
pub use send::{Request, Response, SendError};
pub use source::Source;
pub use store::{Store, WaitError};
pub use tempo::Tempo;
pub use traceparent::{TraceParent, TraceParentError};
pub use verify::{Evidence, Settled, VerifyError, verify};
pub use waterfall::{Waterfall, waterfall};
