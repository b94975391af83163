//! The responses of OTLP/HTTP: an empty message if the spans were accepted, otherwise a
//! `google.rpc.Status` with the reason, in the encoding of the request.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use prost::Message;

/// The body of a response.
pub(super) type Body = BoxBody<Bytes, Infallible>;

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// The encoding of a request and its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Protobuf,
    Json,
    /// Not an encoding of OTLP; the response is plain text.
    Unknown,
}

impl Encoding {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let value = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
        let media_type = value.unwrap_or("").split(';').next().unwrap_or("").trim();
        if media_type.eq_ignore_ascii_case(PROTOBUF) {
            Self::Protobuf
        } else if media_type.eq_ignore_ascii_case(JSON) {
            Self::Json
        } else {
            Self::Unknown
        }
    }

    fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Protobuf => PROTOBUF,
            Self::Json => JSON,
            Self::Unknown => "text/plain; charset=utf-8",
        })
    }
}

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub(super) code: i32,
    #[prost(string, tag = "2")]
    pub(super) message: String,
}

/// Why a request is rejected.
pub(super) struct Rejection {
    status: StatusCode,
    message: String,
}

impl Rejection {
    pub(super) fn new(status: StatusCode, message: String) -> Self {
        Self { status, message }
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// The gRPC code for the status.
    pub(super) fn rpc_code(&self) -> i32 {
        rpc_code(self.status)
    }

    pub(super) fn response(self, encoding: Encoding) -> Response<Body> {
        let body = match encoding {
            Encoding::Unknown => format!("{}\n", self.message).into_bytes(),
            Encoding::Json => serde_json::json!({
                "code": rpc_code(self.status),
                "message": self.message,
            })
            .to_string()
            .into_bytes(),
            Encoding::Protobuf => RpcStatus {
                code: rpc_code(self.status),
                message: self.message,
            }
            .encode_to_vec(),
        };
        let mut response = respond(self.status, encoding, body);
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            response
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("POST"));
        }
        response
    }
}

/// All spans were accepted: an `ExportTraceServiceResponse` without a partial success.
pub(super) fn accepted(encoding: Encoding) -> Response<Body> {
    let body = match encoding {
        Encoding::Json => b"{}".to_vec(),
        Encoding::Protobuf | Encoding::Unknown => Vec::new(),
    };
    respond(StatusCode::OK, encoding, body)
}

/// The response that `Behaviour::Reject` configures.
pub(super) fn configured(
    status: u16,
    retry_after: Option<Duration>,
    encoding: Encoding,
) -> Response<Body> {
    let mut response = configured_rejection(status).response(encoding);
    if let Some(after) = retry_after {
        response
            .headers_mut()
            .insert(RETRY_AFTER, after.as_secs().into());
    }
    response
}

/// The rejection that `Behaviour::Reject` configures.
pub(super) fn configured_rejection(status: u16) -> Rejection {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Rejection::new(status, format!("configured to respond {status}"))
}

fn respond(status: StatusCode, encoding: Encoding, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Full::new(body.into()).boxed());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, encoding.content_type());
    response
}

/// The gRPC code for an HTTP status.
fn rpc_code(status: StatusCode) -> i32 {
    match status.as_u16() {
        400 | 405 | 413 | 415 => 3, // INVALID_ARGUMENT
        404 => 5,                   // NOT_FOUND
        401 => 16,                  // UNAUTHENTICATED
        403 => 7,                   // PERMISSION_DENIED
        429 => 8,                   // RESOURCE_EXHAUSTED
        502..=504 => 14,            // UNAVAILABLE
        _ => 2,                     // UNKNOWN
    }
}
