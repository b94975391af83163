//! A trace as it was exported, whatever it was read from: spans with typed
//! attribute values, times in nanoseconds, and the resource of each span.

mod trace;
mod value;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use trace::Trace;
pub use value::Value;

use crate::ids::{SpanId, TraceId};

/// Attributes by key, in the order of their keys.
pub type Attributes = BTreeMap<String, Value>;

/// One span.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// The trace that it belongs to.
    pub trace_id: TraceId,
    /// Its own id.
    pub span_id: SpanId,
    /// The span that caused it: one of its trace, or the caller's.
    pub parent: Option<SpanId>,
    /// W3C `tracestate` as it came in; empty when there was none.
    pub trace_state: String,
    /// W3C trace flags and OTLP's bits for a remote parent.
    pub flags: u32,
    /// Its name, such as `GET /hello/{name}`.
    pub name: String,
    /// Its side of a call.
    pub kind: SpanKind,
    /// When it began, in nanoseconds since 1970.
    pub start: u64,
    /// When it ended, in nanoseconds since 1970.
    pub end: u64,
    /// How it ended.
    pub status: Status,
    /// What is known of it.
    pub attributes: Attributes,
    /// What happened in it, in the order of time.
    pub events: Vec<Event>,
    /// The spans that it refers to beside its parent.
    pub links: Vec<Link>,
    /// What produced it: the service and where it ran. Shared by its spans.
    pub resource: Arc<Attributes>,
    /// The library that made it.
    pub scope: Arc<Scope>,
}

impl Span {
    /// The service that made the span: `service.name` of its resource.
    pub fn service(&self) -> &str {
        match self.resource.get("service.name") {
            Some(Value::String(name)) => name,
            _ => "(no service.name)",
        }
    }

    /// How long it took, in nanoseconds; zero when its end is before its start.
    pub fn duration(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// Service, kind and name: how a span is called in reports.
    pub fn title(&self) -> String {
        let (service, name) = (printable(self.service()), printable(&self.name));
        format!("{service} {} {name}", self.kind)
    }
}

/// The text without control characters: a name that a trace brings must not make
/// a second line or steer a terminal.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().any(char::is_control) {
        Cow::Owned(text.escape_debug().to_string())
    } else {
        Cow::Borrowed(text)
    }
}

/// A span's side of a call.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum SpanKind {
    /// Not said, which OTLP forbids to SDKs and receivers take as internal.
    #[default]
    Unspecified,
    /// Inside of one service.
    Internal,
    /// The called side of a synchronous call.
    Server,
    /// The calling side of a synchronous call.
    Client,
    /// Sends a message.
    Producer,
    /// Receives a message.
    Consumer,
}

impl SpanKind {
    /// The kind's name as it is shown.
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

/// How a span ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// Nobody said; in OpenTelemetry the usual end of what went well.
    #[default]
    Unset,
    /// Somebody said that it went well.
    Ok,
    /// It failed.
    Error {
        /// Why; may be empty.
        message: String,
    },
}

impl Status {
    /// The status code's name as contracts write it.
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

/// Something that happened at one moment of a span.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When, in nanoseconds since 1970.
    pub time: u64,
    /// What, such as `exception`.
    pub name: String,
    /// What is known of it.
    pub attributes: Attributes,
}

/// A reference to another span, of this trace or of another.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// The other span's trace.
    pub trace_id: TraceId,
    /// The other span.
    pub span_id: SpanId,
    /// The other span's `tracestate`.
    pub trace_state: String,
    /// What is known of the link.
    pub attributes: Attributes,
}

/// The instrumentation that made a span.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scope {
    /// The library's or the tracer's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What else is known of it.
    pub attributes: Attributes,
}
