//! OTLP/JSON, with the types of `opentelemetry-proto`. It costs more time and memory
//! than protobuf; it is for Collectors that accept nothing else.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

/// Converts an encoded `ExportTraceServiceRequest`.
///
/// # Panics
/// If it is not one.
pub(super) fn from_protobuf(body: &[u8]) -> Bytes {
    let request = ExportTraceServiceRequest::decode(body).expect("it was encoded by this crate");
    let json = serde_json::to_vec(&request).expect("OTLP can be written as JSON");
    json.into()
}
