//! Why bytes are not OTLP trace data.

/// Bytes that are not OTLP trace data.
#[derive(Debug, thiserror::Error)]
pub enum OtlpError {
    /// The protobuf cannot be decoded.
    #[error("not an OTLP trace export in protobuf: {0}")]
    Protobuf(#[from] prost::DecodeError),
    /// The JSON cannot be read.
    #[error("not OTLP trace data in JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// An id has the wrong length or is all zeros.
    #[error("span {span:?} has an invalid {field}: {found} (expected {bytes} bytes, not all zero)")]
    Id {
        /// The name of the span.
        span: String,
        /// The field of the span, such as `trace id`.
        field: &'static str,
        /// What was found.
        found: String,
        /// The required length of the id.
        bytes: usize,
    },
    /// The gzip data cannot be decompressed.
    #[error("not gzip: {0}")]
    Gzip(std::io::Error),
    /// The decompressed data is larger than the limit.
    #[error("larger than {0} bytes when decompressed")]
    TooLarge(u64),
}
