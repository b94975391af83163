//! OTLP/HTTP: one request per batch.
//!
//! `opentelemetry-otlp` can only export the SDK's `SpanData`, and encoding with
//! it costs 20 % of the instructions of a traced request (see `encode`). So it
//! contributes the part that does not depend on the spans: [`request_head`]
//! exports one empty batch to a client that only records the request, and keeps
//! its head (method, URL, content type, user agent, compression). Each batch is
//! then sent with this head, our encoded body and a plain `reqwest` client, which
//! returns what the library's own client hides: `Retry-After` and the number of
//! spans that a partial success rejects.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use flate2::write::GzEncoder;
use futures_util::FutureExt;
use http::request::Parts;
use http::{HeaderMap, Request, Response, StatusCode, header};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Compression, Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use opentelemetry_sdk::trace::SpanExporter;
use prost::Message;

use super::error::PipelineError;
use super::export_result::ExportResult;
use crate::config::OtlpConfig;

/// The maximum number of bytes that are read of a response; a typical one is empty.
const MAX_RESPONSE: usize = 64 * 1024;

/// An exporter to one Collector.
pub(super) struct Otlp {
    client: reqwest::Client,
    head: Parts,
    gzip: bool,
}

impl Otlp {
    /// # Errors
    /// If the OTLP endpoint is not a valid request URL.
    pub(super) fn new(config: &OtlpConfig) -> Result<Self, PipelineError> {
        let client = reqwest::Client::builder()
            .timeout(config.timeout)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| PipelineError::Exporter(error.without_url().to_string()))?;
        Ok(Self {
            client,
            head: request_head(config)?,
            gzip: config.gzip,
        })
    }

    /// Makes one attempt to send an encoded `ExportTraceServiceRequest`.
    pub(super) async fn export(&self, body: Bytes) -> ExportResult {
        match self.post(body).await {
            Ok(result) => result,
            Err(error) => ExportResult::Unavailable {
                error: transport_error(&error).to_owned(),
                retry_after: None,
            },
        }
    }

    async fn post(&self, body: Bytes) -> reqwest::Result<ExportResult> {
        let body = if self.gzip { gzip(&body) } else { body };
        let request = Request::from_parts(self.head.clone(), body);
        let mut response = self.client.execute(request.try_into()?).await?;
        let status = response.status();
        let retry_after = retry_after(response.headers());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            let room = MAX_RESPONSE - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if body.len() == MAX_RESPONSE {
                break;
            }
        }
        Ok(classify(status, retry_after, &body))
    }
}

/// The head of every export, as `opentelemetry-otlp` makes it, with the configured headers.
fn request_head(config: &OtlpConfig) -> Result<Parts, PipelineError> {
    let recorder = Recorder::default();
    let mut builder = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_endpoint(config.endpoint.as_str())
        .with_protocol(Protocol::HttpBinary)
        .with_http_client(recorder.clone());
    if config.gzip {
        builder = builder.with_compression(Compression::Gzip);
    }
    let exporter = builder
        .build()
        .map_err(|error| PipelineError::Exporter(error.to_string()))?;
    // The recorder responds immediately, so the export completes when it is first polled.
    let result = exporter.export(Vec::new()).now_or_never();
    let head = recorder
        .0
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    let mut head =
        head.ok_or_else(|| PipelineError::Exporter(format!("no request was made: {result:?}")))?;
    head.headers.extend(config.headers.clone());
    Ok(head)
}

/// An HTTP client that records the head of the last request and sends nothing.
#[derive(Clone, Debug, Default)]
struct Recorder(Arc<Mutex<Option<Parts>>>);

#[async_trait]
impl HttpClient for Recorder {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (mut head, _) = request.into_parts();
        head.headers.remove(header::CONTENT_LENGTH);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(head);
        Ok(Response::new(Bytes::new()))
    }
}

/// The result that OTLP/HTTP defines for a response. The body may repeat what
/// was sent, so its text is not used in errors.
fn classify(status: StatusCode, retry_after: Option<Duration>, body: &[u8]) -> ExportResult {
    match status.as_u16() {
        200..=299 => {
            let partial_success = ExportTraceServiceResponse::decode(body)
                .ok()
                .and_then(|response| response.partial_success);
            let rejected = partial_success.map_or(0, |partial| partial.rejected_spans);
            ExportResult::Accepted {
                rejected: u64::try_from(rejected).unwrap_or(0),
            }
        }
        429 | 502 | 503 | 504 => ExportResult::Unavailable {
            error: format!("status {status}"),
            retry_after,
        },
        _ => ExportResult::Rejected(format!("status {status}")),
    }
}

/// `Retry-After` in seconds. A date is ignored: it is rare, and the backoff applies.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}

fn transport_error(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "no response in time (OTEL_EXPORTER_OTLP_TIMEOUT)"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection failed"
    }
}

fn gzip(body: &[u8]) -> Bytes {
    let level = flate2::Compression::fast();
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), level);
    encoder
        .write_all(body)
        .and_then(|()| encoder.finish())
        .map(Bytes::from)
        .expect("writing to a Vec does not fail")
}
