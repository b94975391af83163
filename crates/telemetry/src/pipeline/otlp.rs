//! OTLP/HTTP by way of `opentelemetry-otlp`: it knows the endpoint, the content
//! type, the user agent and compression; we hand it an HTTP client that puts our
//! encoded bytes into the request and reads what the answer says.

use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use flate2::Compression as Level;
use flate2::write::GzEncoder;
use http::{HeaderMap, Request, Response, StatusCode, header};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Compression, Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use opentelemetry_sdk::trace::SpanExporter;
use prost::Message;

use super::PipelineError;
use super::sink::Outcome;
use crate::config::OtlpConfig;

/// The most of an answer that is read, in bytes; a real one has a line.
const MAX_ANSWER: usize = 64 * 1024;

/// An exporter to one Collector.
pub(super) struct Otlp {
    exporter: opentelemetry_otlp::SpanExporter,
    swap: Arc<Swap>,
}

/// One request's body on its way in and its outcome on its way out, past an
/// exporter that takes and gives neither. The exporting thread sends one batch
/// at a time, so one place is enough.
#[derive(Debug, Default)]
struct Swap(Mutex<(Option<Bytes>, Option<Outcome>)>);

impl Swap {
    fn lock(&self) -> MutexGuard<'_, (Option<Bytes>, Option<Outcome>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Otlp {
    /// # Errors
    /// Where the endpoint or a header cannot be used in a request.
    pub(super) fn new(config: &OtlpConfig) -> Result<Self, PipelineError> {
        let swap = Arc::<Swap>::default();
        let client = reqwest::Client::builder()
            .timeout(config.timeout)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| PipelineError::Exporter(error.without_url().to_string()))?;
        let http = SwappingClient {
            client,
            headers: config.headers.clone(),
            swap: Arc::clone(&swap),
        };
        let mut builder = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_endpoint(config.endpoint.as_str())
            .with_protocol(Protocol::HttpBinary)
            // The client's own timeout ends an attempt; this one must not do so before.
            .with_timeout(config.timeout + Duration::from_secs(1))
            .with_http_client(http);
        if config.gzip {
            builder = builder.with_compression(Compression::Gzip);
        }
        let exporter = builder
            .build()
            .map_err(|error| PipelineError::Exporter(error.to_string()))?;
        Ok(Self { exporter, swap })
    }

    /// Makes one attempt.
    pub(super) async fn send(&self, body: Bytes) -> Outcome {
        *self.swap.lock() = (Some(body), None);
        let exported = self.exporter.export(Vec::new()).await;
        self.swap
            .lock()
            .1
            .take()
            .unwrap_or_else(|| Outcome::Unavailable {
                error: format!("no request was made: {exported:?}"),
                retry_after: None,
            })
    }
}

#[derive(Debug)]
struct SwappingClient {
    client: reqwest::Client,
    headers: HeaderMap,
    swap: Arc<Swap>,
}

#[async_trait]
impl HttpClient for SwappingClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let body = self
            .swap
            .lock()
            .0
            .take()
            .ok_or("a batch is sent once a call")?;
        let outcome = match self.exchange(request, body).await {
            Ok(outcome) => outcome,
            Err(error) => Outcome::Unavailable {
                error: transport_error(&error),
                retry_after: None,
            },
        };
        self.swap.lock().1 = Some(outcome);
        // The worker reads the outcome from the swap; the library has nothing left to classify.
        Ok(Response::new(Bytes::new()))
    }
}

impl SwappingClient {
    async fn exchange(
        &self,
        request: Request<Bytes>,
        body: Bytes,
    ) -> Result<Outcome, reqwest::Error> {
        let (mut parts, _) = request.into_parts();
        parts.headers.extend(self.headers.clone());
        let zipped = parts
            .headers
            .get(header::CONTENT_ENCODING)
            .is_some_and(|encoding| encoding == "gzip");
        let body = if zipped { gzip(&body) } else { body };
        let request = reqwest::Request::try_from(Request::from_parts(parts, body))?;
        let mut response = self.client.execute(request).await?;
        let status = response.status();
        let retry_after = retry_after(response.headers());
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            let room = MAX_ANSWER - answer.len();
            answer.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if answer.len() == MAX_ANSWER {
                break;
            }
        }
        Ok(classify(status, retry_after, &answer))
    }
}

/// What OTLP/HTTP says of an answer. Its body may repeat what we sent, so no
/// word of it is kept.
fn classify(status: StatusCode, retry_after: Option<Duration>, answer: &[u8]) -> Outcome {
    match status.as_u16() {
        200..=299 => {
            let partial = ExportTraceServiceResponse::decode(answer)
                .ok()
                .and_then(|answer| answer.partial_success);
            let rejected = partial.map_or(0, |partial| {
                u64::try_from(partial.rejected_spans).unwrap_or(0)
            });
            Outcome::Accepted { rejected }
        }
        429 | 502 | 503 | 504 => Outcome::Unavailable {
            error: format!("it answered {status}"),
            retry_after,
        },
        _ => Outcome::Refused(format!("it answered {status}")),
    }
}

/// `Retry-After` in seconds; a date is rare, and without it our own backoff serves.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers
        .get(header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}

fn transport_error(error: &reqwest::Error) -> String {
    let kind = if error.is_timeout() {
        "no answer in time (OTEL_EXPORTER_OTLP_TIMEOUT)"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection broke"
    };
    kind.to_owned()
}

fn gzip(body: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Level::fast());
    encoder
        .write_all(body)
        .and_then(|()| encoder.finish())
        .map(Bytes::from)
        .expect("a Vec takes everything")
}
