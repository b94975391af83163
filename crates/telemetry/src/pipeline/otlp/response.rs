//! The result that OTLP/HTTP defines for a response.
//!
//! A success is an empty body with status 200, 202 or 204, or a body that is an
//! `ExportTraceServiceResponse` by its content type and its content. Any other
//! success comes from another kind of server, such as a web page or a health
//! check on a wrong port. It is not retried, like a 404 from the same server: the
//! batch would block newer ones until the queue is full, and a wrong endpoint
//! stays wrong. So a proxy that sends its own page with status 200 while the
//! Collector is down loses spans, which are counted; proxies send 502 or 503 then.

use std::io::Read;
use std::time::{Duration, SystemTime};

use flate2::read::GzDecoder;
use http::{HeaderMap, StatusCode, header};

use super::partial_success::{from_json, from_protobuf};
use crate::pipeline::export_result::ExportResult;

/// The maximum number of bytes that are read of a response, also after
/// decompression; a typical one is empty.
pub(super) const MAX_RESPONSE: usize = 64 * 1024;

/// Reads a response. The client's timeout limits the time that this takes.
///
/// # Errors
/// If the body of a success does not arrive. Other bodies are not read.
pub(super) async fn read(response: reqwest::Response) -> reqwest::Result<ExportResult> {
    let status = response.status();
    if !status.is_success() {
        return Ok(failure(status, response.headers()));
    }
    let format = Format::of(response.headers());
    Ok(match read_body(response, format).await? {
        Body::Complete(body) => success(status, format, &body),
        Body::TooLarge => not_otlp(status, "a body that is too large for OTLP"),
        Body::NotOtlp(what) => not_otlp(status, what),
    })
}

/// The result for a response without gRPC's content type to a gRPC request.
pub(super) fn without_grpc(status: StatusCode) -> ExportResult {
    if status.is_success() {
        return not_otlp(status, "a content type that is not gRPC's");
    }
    let mut result = failure(status, &HeaderMap::new());
    if let Some(error) = result.error_mut() {
        error.push_str(" without gRPC's content type");
    }
    result
}

fn failure(status: StatusCode, headers: &HeaderMap) -> ExportResult {
    let error = format!("status {status}");
    match status.as_u16() {
        429 | 502 | 503 | 504 => ExportResult::Unavailable {
            error,
            retry_after: retry_after(headers),
        },
        _ => ExportResult::Rejected(error),
    }
}

fn success(status: StatusCode, format: Format, body: &[u8]) -> ExportResult {
    let result = match (status.as_u16(), format) {
        (200 | 202 | 204, _) if body.is_empty() => Some(ExportResult::Accepted {
            rejected: 0,
            has_message: false,
        }),
        _ if body.is_empty() => return not_otlp(status, "an empty body"),
        (_, Format::Protobuf { gzip }) => {
            decompressed(body, gzip).and_then(|it| from_protobuf(&it))
        }
        (_, Format::Json { gzip }) => decompressed(body, gzip).and_then(|it| from_json(&it)),
        (_, Format::Other(what)) => return not_otlp(status, what),
    };
    result.unwrap_or_else(|| not_otlp(status, "a body that cannot be decoded as OTLP"))
}

fn not_otlp(status: StatusCode, what: &str) -> ExportResult {
    ExportResult::NotOtlp(format!("status {status} with {what}"))
}

/// The body's format, from the response's headers.
#[derive(Clone, Copy)]
enum Format {
    Protobuf {
        gzip: bool,
    },
    Json {
        gzip: bool,
    },
    /// Not OTLP's; described for errors.
    Other(&'static str),
}

impl Format {
    fn of(headers: &HeaderMap) -> Self {
        let gzip = match value(headers, header::CONTENT_ENCODING).as_str() {
            "" | "identity" => false,
            "gzip" | "x-gzip" => true,
            _ => return Self::Other("an unknown content encoding"),
        };
        let content_type = value(headers, header::CONTENT_TYPE);
        match content_type.split(';').next().unwrap_or_default().trim() {
            "application/x-protobuf" | "application/protobuf" => Self::Protobuf { gzip },
            "application/json" => Self::Json { gzip },
            "" => Self::Other("a body without a content type"),
            "text/html" => Self::Other("an HTML page"),
            "text/plain" => Self::Other("plain text"),
            "application/grpc" | "application/grpc+proto" => Self::Other("a gRPC message"),
            _ => Self::Other("a content type that is not OTLP's"),
        }
    }
}

/// A header in lower case; empty if it is absent or not text.
fn value(headers: &HeaderMap, name: header::HeaderName) -> String {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().trim().to_ascii_lowercase()
}

enum Body {
    Complete(Vec<u8>),
    TooLarge,
    NotOtlp(&'static str),
}

async fn read_body(mut response: reqwest::Response, format: Format) -> reqwest::Result<Body> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > MAX_RESPONSE {
            return Ok(Body::TooLarge);
        }
        body.extend_from_slice(&chunk);
        // One byte is enough: the rest of a page need not arrive.
        if let (Format::Other(what), false) = (format, body.is_empty()) {
            return Ok(Body::NotOtlp(what));
        }
    }
    Ok(Body::Complete(body))
}

/// `None` if the body is not gzip, or larger than [`MAX_RESPONSE`] after decompression.
fn decompressed(body: &[u8], gzip: bool) -> Option<Vec<u8>> {
    if !gzip {
        return Some(body.to_vec());
    }
    let mut out = Vec::new();
    let limit = MAX_RESPONSE as u64 + 1;
    let mut decoder = GzDecoder::new(body).take(limit);
    decoder.read_to_end(&mut out).ok()?;
    (out.len() <= MAX_RESPONSE).then_some(out)
}

/// `Retry-After`: seconds or a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    date.duration_since(SystemTime::now()).ok()
}
