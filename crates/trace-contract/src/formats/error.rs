//! Why a file is not a trace that can be read, and what to do about it.

use crate::otlp::OtlpError;

/// Bytes that cannot be read as trace data.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// The input is empty or contains only white space.
    #[error("it is empty: was the program that writes it stopped before it wrote a trace?")]
    Empty,
    /// Data in a known format that is not supported, or in an unknown format.
    #[error("this looks like {found}: {fix}")]
    Unsupported {
        /// What the data looks like, such as `Zipkin v1 JSON`.
        found: String,
        /// What to do instead.
        fix: &'static str,
    },
    /// JSON that is malformed, or has an invalid value.
    #[error("line {line}, column {column}: invalid {format}: {cause}")]
    Json {
        /// The name of the format.
        format: &'static str,
        /// The line of the error; the first is 1.
        line: usize,
        /// The column of the error in bytes; the first is 1.
        column: usize,
        /// The cause, without its position.
        cause: String,
    },
    /// JSON that ends within a value.
    #[error(
        "line {line}, column {column}: the JSON ends in the middle of a value. Is the file incomplete? Copy it again, or wait until its program has written it"
    )]
    Truncated {
        /// The last line.
        line: usize,
        /// The last column.
        column: usize,
    },
    /// A response or a file of a backend that does not contain a trace but an error.
    #[error("{0}")]
    NoTrace(String),
    /// Binary data that cannot be decoded.
    #[error("byte {offset}: {cause}. Is the file complete, and is it an OTLP trace export?")]
    Protobuf {
        /// Where the message starts; the first byte is 0.
        offset: usize,
        /// The cause.
        cause: OtlpError,
    },
    /// Compressed data that cannot be decompressed.
    #[error("invalid {compression}: {cause}. Is the file complete?")]
    Compression {
        /// `gzip` or `zstd`.
        compression: &'static str,
        /// The cause.
        cause: String,
    },
    /// The data is larger than the limit.
    #[error(
        "larger than {0} bytes when decompressed: write fewer traces to the file, or extract the trace first"
    )]
    TooLarge(u64),
}
