//! Checks one request's trace against a contract.
//!
//! A contract ([`Contract`], a YAML file) says which spans a request must make,
//! in which tree, with which attributes. Spans come from a [`Receiver`] of
//! OTLP/HTTP, from a [`Jaeger`], or from a file; the check is the same. [`verify`]
//! waits for the whole trace, and says what differs in a report of one screen.
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
//! let caller = request.sent_as();
//! let trace = verify(
//!     &receiver.store().into(),
//!     caller.trace_id(),
//!     &contract,
//!     &Expectation::continues(caller),
//!     Duration::from_secs(10),
//! )
//! .await?;
//! println!("{}", trace_contract::waterfall(&trace));
//! # Ok(())
//! # }
//! ```

pub mod check;
pub mod contract;
#[cfg(test)]
mod fixture;
pub mod ids;
pub mod jaeger;
pub mod model;
pub mod otlp;
#[cfg(test)]
mod properties;
mod receiver;
mod record;
mod redact;
mod report;
mod send;
mod store;
mod traceparent;
mod verify;
mod waterfall;

pub use check::{Difference, DifferenceKind, Expectation, Mismatch};
pub use contract::{Contract, ContractError};
pub use ids::{SpanId, TraceId};
pub use jaeger::{Jaeger, JaegerError};
pub use model::{Span, SpanKind, Status, Trace, Value};
pub use receiver::{Behaviour, Receiver};
pub use record::{RecordError, record};
pub use redact::UrlError;
pub use send::{Answer, Request, SendError};
pub use store::{Store, WaitError};
pub use traceparent::{TraceParent, TraceParentError};
pub use verify::{Source, VerifyError, verify};
pub use waterfall::{Waterfall, waterfall};
