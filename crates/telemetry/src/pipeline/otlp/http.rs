//! OTLP/HTTP: a POST with a protobuf or JSON body.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, header};
use url::Url;

use super::{USER_AGENT, response};
use crate::config::OtlpConfig;
use crate::pipeline::export_result::ExportResult;

/// What all requests have in common.
pub(super) struct Head {
    url: Url,
    headers: HeaderMap,
    gzip: bool,
}

impl Head {
    pub(super) fn new(config: &OtlpConfig) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, USER_AGENT);
        let protobuf = HeaderValue::from_static("application/x-protobuf");
        headers.insert(header::CONTENT_TYPE, protobuf);
        if config.gzip {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        headers.extend(config.headers.clone());
        Self {
            url: config.endpoint.clone(),
            headers,
            gzip: config.gzip,
        }
    }
}

/// Sends an encoded `ExportTraceServiceRequest`.
///
/// # Errors
/// If no complete response arrives in time.
pub(super) async fn send(
    client: &reqwest::Client,
    head: &Head,
    body: Bytes,
) -> reqwest::Result<ExportResult> {
    let body = if head.gzip { gzip(&body) } else { body };
    let request = client
        .post(head.url.clone())
        .headers(head.headers.clone())
        .body(body);
    response::read(request.send().await?).await
}

fn gzip(body: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    encoder
        .write_all(body)
        .and_then(|()| encoder.finish())
        .map(Bytes::from)
        .expect("writing to a Vec does not fail")
}
