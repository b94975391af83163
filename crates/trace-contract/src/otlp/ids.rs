//! A span of OTLP, reduced to its ids; prost skips all other fields.

use bytes::Bytes;
use opentelemetry_proto::tonic::trace::v1 as otlp;
use prost::{DecodeError, Message};

#[derive(Clone, PartialEq, Message)]
struct Span {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    span_id: Vec<u8>,
}

/// Decodes only the ids of a span.
pub(super) fn decode(bytes: Bytes) -> Result<otlp::Span, DecodeError> {
    let Span { trace_id, span_id } = Span::decode(bytes)?;
    Ok(otlp::Span {
        trace_id,
        span_id,
        ..otlp::Span::default()
    })
}
