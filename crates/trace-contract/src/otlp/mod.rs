//! Spans out of OTLP: protobuf, the JSON of the OTLP specification, and the
//! JSON of Jaeger's `/api/v3`, each plain or in gzip.

mod ids;
mod json;
mod lenient;
mod proto;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::io::Read;

use crate::model::Span;

pub use json::from_json;
pub use proto::from_protobuf;
pub(crate) use proto::ids_from_protobuf;

/// Bytes that are no OTLP trace data.
#[derive(Debug, thiserror::Error)]
pub enum OtlpError {
    /// The protobuf cannot be decoded.
    #[error("not an OTLP trace export in protobuf: {0}")]
    Protobuf(#[from] prost::DecodeError),
    /// The JSON cannot be read.
    #[error("not OTLP trace data in JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// An id has the wrong length or is all zero.
    #[error("span {span:?} has no valid {what}: {found} (it must be {bytes} bytes, not all zero)")]
    Id {
        /// The name of the span that has the id.
        span: String,
        /// Which of its ids.
        what: &'static str,
        /// What was found.
        found: String,
        /// How long the id must be.
        bytes: usize,
    },
    /// The gzip cannot be unpacked.
    #[error("not gzip: {0}")]
    Gzip(std::io::Error),
    /// The content is too large to be unpacked in memory.
    #[error("larger than {0} bytes when unpacked")]
    TooLarge(u64),
}

/// The spans in `bytes` of whatever form: gzip is unpacked first, and what
/// begins with `{` is JSON. Several JSON documents may follow each other, as in
/// the Collector's file exporter.
///
/// # Errors
/// When the bytes are no trace data in any of these forms.
pub fn from_bytes(bytes: &[u8], limit: u64) -> Result<Vec<Span>, OtlpError> {
    let bytes = if bytes.starts_with(&[0x1f, 0x8b]) {
        Cow::Owned(gunzip(bytes, limit)?)
    } else {
        Cow::Borrowed(bytes)
    };
    if bytes.trim_ascii_start().first() == Some(&b'{') {
        from_json(&bytes)
    } else {
        from_protobuf(&bytes)
    }
}

/// Unpacks gzip, up to `limit` bytes: a small body must not fill the memory.
///
/// # Errors
/// When the bytes are no gzip, or hold more than `limit`.
pub fn gunzip(bytes: &[u8], limit: u64) -> Result<Vec<u8>, OtlpError> {
    let mut unpacked = Vec::new();
    let read = flate2::read::MultiGzDecoder::new(bytes)
        .take(limit + 1)
        .read_to_end(&mut unpacked)
        .map_err(OtlpError::Gzip)?;
    if read as u64 > limit {
        return Err(OtlpError::TooLarge(limit));
    }
    Ok(unpacked)
}
