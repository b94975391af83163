//! Reads spans from OTLP: protobuf, the JSON of the OTLP specification, and the JSON of
//! Jaeger's `/api/v3`, each plain or compressed with gzip.

mod error;
mod ids;
mod json;
mod protobuf;
mod scalars;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::io::Read;

pub use error::OtlpError;
pub use json::from_json;
pub use protobuf::from_protobuf;

pub(crate) use protobuf::ids_from_protobuf;

use crate::model::Span;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Reads spans in any supported form, which is detected from the content. JSON may
/// consist of several documents, as the Collector's file exporter writes them.
///
/// # Errors
/// When the bytes are not trace data in a supported form, or are larger than `limit`
/// bytes when decompressed.
pub fn from_bytes(bytes: &[u8], limit: u64) -> Result<Vec<Span>, OtlpError> {
    let bytes = if bytes.starts_with(&GZIP_MAGIC) {
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

/// Decompresses gzip data of at most `limit` decompressed bytes, so that a small body
/// cannot exhaust the memory.
///
/// # Errors
/// When the bytes are not gzip, or contain more than `limit` bytes.
pub fn gunzip(bytes: &[u8], limit: u64) -> Result<Vec<u8>, OtlpError> {
    let mut decompressed = Vec::new();
    let read = flate2::read::MultiGzDecoder::new(bytes)
        .take(limit + 1)
        .read_to_end(&mut decompressed)
        .map_err(OtlpError::Gzip)?;
    if read as u64 > limit {
        return Err(OtlpError::TooLarge(limit));
    }
    Ok(decompressed)
}
