//! The W3C `traceparent` of a request. It determines the trace id before the trace
//! exists.

use std::fmt;
use std::str::FromStr;

use crate::ids::{SpanId, TraceId};

/// The caller's trace and span, as a request carries them in `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceParent {
    trace_id: TraceId,
    span_id: SpanId,
    sampled: bool,
}

impl TraceParent {
    /// A new trace that is sampled, with random ids.
    pub fn generate() -> Self {
        Self::new(TraceId::random(), SpanId::random(), true)
    }

    /// A new trace that is not sampled, with random ids.
    pub fn unsampled() -> Self {
        Self::new(TraceId::random(), SpanId::random(), false)
    }

    /// The span `span_id` of the trace `trace_id`.
    pub fn new(trace_id: TraceId, span_id: SpanId, sampled: bool) -> Self {
        Self {
            trace_id,
            span_id,
            sampled,
        }
    }

    /// The trace that the request belongs to.
    pub fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// The caller's span: the parent of the callee's first span.
    pub fn span_id(&self) -> SpanId {
        self.span_id
    }

    /// Whether the caller samples the trace.
    pub fn sampled(&self) -> bool {
        self.sampled
    }

    /// The value of the `traceparent` header, version 00.
    pub fn header(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = u8::from(self.sampled);
        write!(f, "00-{}-{}-{flags:02x}", self.trace_id, self.span_id)
    }
}

/// A string that is not a valid `traceparent`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a traceparent: expected 00-<32 hex digits>-<16 hex digits>-<2 hex digits>")]
pub struct TraceParentError(String);

impl FromStr for TraceParent {
    type Err = TraceParentError;

    fn from_str(text: &str) -> Result<Self, TraceParentError> {
        parse(text).ok_or_else(|| TraceParentError(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<TraceParent> {
    let mut parts = text.split('-');
    let (version, trace_id, span_id, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if version != "00" || flags.len() != 2 || parts.next().is_some() {
        return None;
    }
    let flags = u8::from_str_radix(flags, 16).ok()?;
    Some(TraceParent::new(
        trace_id.parse().ok()?,
        span_id.parse().ok()?,
        flags & 1 == 1,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_header_is_parsed_again() {
        for sent in [TraceParent::generate(), TraceParent::unsampled()] {
            assert_eq!(sent.header().parse(), Ok(sent));
        }
    }

    #[test]
    fn the_header_has_the_w3c_format() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let parent: TraceParent = text.parse().expect("W3C's example");
        assert!(parent.sampled());
        assert_eq!(parent.header(), text);
    }

    #[test]
    fn a_malformed_header_is_rejected() {
        for text in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        ] {
            assert!(text.parse::<TraceParent>().is_err(), "{text}");
        }
    }
}
