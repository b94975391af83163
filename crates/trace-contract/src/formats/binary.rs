//! OTLP in protobuf: one message, or several with their lengths, as the Collector's file
//! exporter writes them.

use super::error::FormatError;
use crate::model::Span;
use crate::otlp;

/// The tag of the list of `ResourceSpans`, with which each message starts.
pub(super) const RESOURCE_SPANS: u8 = 0x0a;
const LENGTH: usize = 4;

/// A message and its offset.
pub(super) type Message<'a> = (usize, &'a [u8]);

/// Reads one message that starts at the byte `offset` of its file.
pub(super) fn parse(bytes: &[u8], offset: usize) -> Result<Vec<Span>, FormatError> {
    otlp::from_protobuf(bytes).map_err(|cause| {
        if is_zipkin(bytes) {
            return FormatError::Unsupported {
                found: "Zipkin's protobuf".to_owned(),
                fix: "request it from Zipkin as JSON: /api/v2/trace/TRACE_ID",
            };
        }
        FormatError::Protobuf { offset, cause }
    })
}

/// The messages of a file in which a length of four bytes precedes each message, with
/// their offsets, and whether the last is incomplete. `None` if it is not such a file.
pub(super) fn messages(bytes: &[u8]) -> Option<(Vec<Message<'_>>, bool)> {
    let mut messages = Vec::new();
    let mut offset = 0;
    while let Some((length, rest)) = bytes[offset..].split_first_chunk::<LENGTH>() {
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let Some(message) = rest.get(..length) else {
            break;
        };
        // JSON, protobuf or zstd; a message is smaller than 16 MiB.
        if bytes[offset] != 0 || !matches!(message.first(), Some(&(RESOURCE_SPANS | b'{' | 0x28))) {
            return None;
        }
        offset += LENGTH;
        messages.push((offset, message));
        offset += length;
    }
    (!messages.is_empty()).then_some((messages, offset < bytes.len()))
}

fn is_zipkin(bytes: &[u8]) -> bool {
    /// `zipkin.proto3.ListOfSpans`, with the fields that identify it.
    #[derive(Clone, PartialEq, prost::Message)]
    struct ListOfSpans {
        #[prost(message, repeated, tag = "1")]
        spans: Vec<ZipkinSpan>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    struct ZipkinSpan {
        #[prost(bytes = "vec", tag = "1")]
        trace_id: Vec<u8>,
        #[prost(bytes = "vec", tag = "3")]
        id: Vec<u8>,
    }

    let has_ids = |span: &ZipkinSpan| matches!(span.trace_id.len(), 8 | 16) && span.id.len() == 8;
    <ListOfSpans as prost::Message>::decode(bytes)
        .is_ok_and(|list| !list.spans.is_empty() && list.spans.iter().all(has_ids))
}
