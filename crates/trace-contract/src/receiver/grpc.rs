//! OTLP/gRPC: `TraceService/Export`, a unary call over HTTP/2, as the gRPC specification
//! defines it. The messages are those of OTLP/HTTP with protobuf, in a frame each.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Full};

use super::response::{Body, Rejection};

/// The path of the method.
pub(super) const PATH: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
/// The header with the compression of a message.
pub(super) const ENCODING: &str = "grpc-encoding";
const STATUS: &str = "grpc-status";
const MESSAGE: &str = "grpc-message";
const INVALID_ARGUMENT: u16 = 3;
const UNIMPLEMENTED: u16 = 12;
/// A flag for compression, and the length.
const PREFIX: usize = 5;

/// Whether the request is a gRPC call.
pub(super) fn is_call(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    value.is_some_and(|text| {
        text.get(.."application/grpc".len())
            .is_some_and(|start| start.eq_ignore_ascii_case("application/grpc"))
    })
}

/// The message of a request body, and whether it is compressed.
pub(super) fn message(body: &[u8]) -> Result<(&[u8], bool), Rejection> {
    let invalid = |text: &str| {
        let message = format!("the body is not one gRPC message: {text}");
        Rejection::new(StatusCode::BAD_REQUEST, message)
    };
    let Some((prefix, message)) = body.split_first_chunk::<PREFIX>() else {
        return Err(invalid("it is shorter than its prefix"));
    };
    let [flag, length @ ..] = *prefix;
    if usize::try_from(u32::from_be_bytes(length)).ok() != Some(message.len()) {
        return Err(invalid("its length differs from the one in its prefix"));
    }
    match flag {
        0 => Ok((message, false)),
        1 => Ok((message, true)),
        _ => Err(invalid("its compression flag is neither 0 nor 1")),
    }
}

/// An empty `ExportTraceServiceResponse`: all spans were accepted.
pub(super) fn accepted() -> Response<Body> {
    let mut trailers = HeaderMap::new();
    trailers.insert(STATUS, HeaderValue::from_static("0"));
    let body = Full::new(Bytes::from_static(&[0; PREFIX]));
    respond(
        body.with_trailers(std::future::ready(Some(Ok(trailers))))
            .boxed(),
    )
}

/// An error, which has only headers.
pub(super) fn rejected(rejection: &Rejection, retry_after: Option<Duration>) -> Response<Body> {
    let code = match rejection.status() {
        StatusCode::BAD_REQUEST => INVALID_ARGUMENT,
        StatusCode::NOT_FOUND | StatusCode::UNSUPPORTED_MEDIA_TYPE => UNIMPLEMENTED,
        _ => u16::try_from(rejection.rpc_code()).unwrap_or(2),
    };
    let mut response = respond(Full::default().boxed());
    let headers = response.headers_mut();
    headers.insert(STATUS, code.into());
    if let Ok(message) = percent_encoded(rejection.message()).parse() {
        headers.insert(MESSAGE, message);
    }
    headers.insert(
        "grpc-accept-encoding",
        HeaderValue::from_static("identity, gzip"),
    );
    if let Some(after) = retry_after {
        headers.insert(RETRY_AFTER, after.as_secs().into());
    }
    response
}

fn respond(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let grpc = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert(CONTENT_TYPE, grpc);
    response
}

/// As the gRPC specification requires of `grpc-message`.
fn percent_encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'%' | ..=0x1f | 0x7f.. => format!("%{byte:02X}"),
        _ => char::from(byte).to_string(),
    };
    text.bytes().map(encode).collect()
}
