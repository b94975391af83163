//! A span, with its events, links and status.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::value::{Attributes, Value};
use crate::ids::{SpanId, TraceId};
use crate::text::printable;

/// One span, as it was exported.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// The trace that the span belongs to.
    pub trace_id: TraceId,
    /// The span's own id.
    pub span_id: SpanId,
    /// The parent: a span of the same trace, or of a caller outside of it.
    pub parent: Option<SpanId>,
    /// W3C `tracestate`; empty if there was none.
    pub trace_state: String,
    /// W3C trace flags, and OTLP's bits for a remote parent.
    pub flags: u32,
    /// The name, such as `GET /hello/{name}`.
    pub name: String,
    /// The span kind.
    pub kind: SpanKind,
    /// The start, in nanoseconds since 1970.
    pub start: u64,
    /// The end, in nanoseconds since 1970.
    pub end: u64,
    /// The status.
    pub status: Status,
    /// The attributes.
    pub attributes: Attributes,
    /// The events, in the order of time.
    pub events: Vec<Event>,
    /// References to other spans, in addition to the parent.
    pub links: Vec<Link>,
    /// The service and where it ran. Spans of one export share it.
    pub resource: Arc<Attributes>,
    /// The instrumentation scope: the library that created the span.
    pub scope: Arc<Scope>,
}

impl Span {
    /// The service that created the span: `service.name` of its resource.
    pub fn service(&self) -> &str {
        match self.resource.get("service.name") {
            Some(Value::String(name)) => name,
            _ => "(no service.name)",
        }
    }

    /// The duration in nanoseconds; zero if the span ends before it starts.
    pub fn duration(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// Service, kind and name: how reports identify a span.
    pub fn title(&self) -> String {
        let (service, name) = (printable(self.service()), printable(&self.name));
        format!("{service} {} {name}", self.kind)
    }
}

/// The kind of a span: its side of a call.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum SpanKind {
    /// Not specified. SDKs must not send it; receivers may treat it as internal.
    #[default]
    Unspecified,
    /// An operation inside of one service.
    Internal,
    /// The server's side of a synchronous call.
    Server,
    /// The client's side of a synchronous call.
    Client,
    /// Sends a message.
    Producer,
    /// Receives a message.
    Consumer,
}

impl SpanKind {
    /// The kind in upper case, as reports show it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "UNSPECIFIED",
            Self::Internal => "INTERNAL",
            Self::Server => "SERVER",
            Self::Client => "CLIENT",
            Self::Producer => "PRODUCER",
            Self::Consumer => "CONSUMER",
        }
    }
}

impl fmt::Display for SpanKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The status of a span.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// Not set, which is usual for a span without an error.
    #[default]
    Unset,
    /// Explicitly marked as successful.
    Ok,
    /// The operation failed.
    Error {
        /// The description of the error; may be empty.
        message: String,
    },
}

impl Status {
    /// The status code in lower case, as contracts write it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Unset => "unset",
            Self::Ok => "ok",
            Self::Error { .. } => "error",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error { message } if !message.is_empty() => write!(f, "error {message:?}"),
            _ => f.write_str(self.as_str()),
        }
    }
}

/// An event of a span.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The time, in nanoseconds since 1970.
    pub time: u64,
    /// The name, such as `exception`.
    pub name: String,
    /// The attributes.
    pub attributes: Attributes,
}

/// A reference to a span of the same trace or of another trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// The trace of the linked span.
    pub trace_id: TraceId,
    /// The linked span.
    pub span_id: SpanId,
    /// The `tracestate` of the linked span.
    pub trace_state: String,
    /// The attributes of the link.
    pub attributes: Attributes,
}

/// The instrumentation scope of a span.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scope {
    /// The name of the library or tracer.
    pub name: String,
    /// The version of the library.
    pub version: String,
    /// The attributes of the scope.
    pub attributes: Attributes,
}
