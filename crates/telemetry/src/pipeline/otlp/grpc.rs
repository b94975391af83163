//! OTLP/gRPC: tonic's client over the same HTTP client, with our encoded messages.

mod codec;
mod transport;

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, header};
use http_body_util::LengthLimitError;
use tonic::client::Grpc;
use tonic::codec::CompressionEncoding;
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;
use url::Url;

use self::codec::Encoded;
use self::transport::{NotGrpc, Transport};
use super::partial_success;
use super::response::{self, MAX_RESPONSE};
use super::transport_error::Errors;
use super::user_agent::USER_AGENT;
use crate::config::OtlpConfig;
use crate::pipeline::export_result::ExportResult;

const PATH: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// How tonic's errors for messages above the limit start, before and after decompression.
const TOO_LARGE: [&str; 2] = [
    "Error, decoded message length too large",
    "Error decompressing: size limit",
];

/// What all requests have in common.
pub(super) struct Head {
    url: Url,
    headers: HeaderMap,
    gzip: bool,
    errors: Errors,
}

impl Head {
    pub(super) fn new(config: &OtlpConfig) -> Self {
        let mut url = config.endpoint.clone();
        // An endpoint's own path has no meaning in gRPC; Go's exporter ignores it, too.
        url.set_path(PATH);
        url.set_query(None);
        let mut headers = config.headers.clone();
        headers.entry(header::USER_AGENT).or_insert(USER_AGENT);
        Self {
            url,
            headers,
            gzip: config.gzip,
            errors: Errors::new(config),
        }
    }
}

/// Sends an encoded `ExportTraceServiceRequest`.
pub(super) async fn send(client: &reqwest::Client, head: &Head, body: Bytes) -> ExportResult {
    let transport = Transport {
        client: client.clone(),
        url: head.url.clone(),
    };
    let mut grpc = Grpc::new(transport)
        // A server may compress its response as the request was.
        .accept_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(MAX_RESPONSE);
    if head.gzip {
        grpc = grpc.send_compressed(CompressionEncoding::Gzip);
    }
    let metadata = MetadataMap::from_headers(head.headers.clone());
    let request = Request::from_parts(metadata, http::Extensions::new(), body);
    let path = PathAndQuery::from_static(PATH);
    match grpc.unary(request, path, Encoded).await {
        Ok(response) => partial_success::from_protobuf(response.get_ref())
            .unwrap_or_else(|| not_otlp("a message that cannot be decoded as OTLP")),
        Err(status) => without_status(&status, &head.errors).unwrap_or_else(|| failed(&status)),
    }
}

/// The result if the server sent no gRPC status, and tonic made this one of an error.
fn without_status(status: &Status, errors: &Errors) -> Option<ExportResult> {
    let mut source = status.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<reqwest::Error>() {
            return Some(errors.result(error));
        }
        if let Some(NotGrpc(status)) = error.downcast_ref() {
            return Some(response::without_grpc(*status));
        }
        if error.is::<LengthLimitError>() {
            return Some(not_otlp("a message that is too large for OTLP"));
        }
        source = error.source();
    }
    // tonic's own errors have no other mark.
    let message = status.message();
    let too_large = TOO_LARGE.iter().any(|start| message.starts_with(start));
    too_large.then(|| not_otlp("a message that is too large for OTLP"))
}

/// The result that OTLP/gRPC defines for a status. Its message is not used: it may
/// repeat what was sent.
fn failed(status: &Status) -> ExportResult {
    let details = status.get_details_retry_info();
    let retry_after: Option<Duration> = details.and_then(|info| info.retry_delay);
    let error = format!("gRPC status {:?}", status.code());
    match status.code() {
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => ExportResult::Unavailable { error, retry_after },
        // Retryable only if the server states when.
        Code::ResourceExhausted if retry_after.is_some() => {
            ExportResult::Unavailable { error, retry_after }
        }
        Code::Unimplemented => {
            ExportResult::Rejected(error + ": the server does not receive OTLP traces over gRPC")
        }
        _ => ExportResult::Rejected(error),
    }
}

fn not_otlp(what: &str) -> ExportResult {
    ExportResult::NotOtlp(format!("a gRPC response with {what}"))
}
