//! Reads spans from OTLP in protobuf and in JSON.

mod error;
mod ids;
mod json;
mod json_values;
mod protobuf;
#[cfg(test)]
mod tests;

use std::io::Read;

pub use error::OtlpError;
pub use json::from_json;
pub use protobuf::from_protobuf;

pub(crate) use json::parse as parse_json;
pub(crate) use protobuf::ids_from_protobuf;

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
