//! OTLP/HTTP: a POST with a protobuf or JSON body.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, header};
use url::Url;

use super::transport_error::Errors;
use super::{USER_AGENT, json, response};
use crate::config::{OtlpConfig, OtlpProtocol};
use crate::pipeline::export_result::ExportResult;

/// What all requests have in common.
pub(super) struct Head {
    url: Url,
    headers: HeaderMap,
    json: bool,
    gzip: bool,
    errors: Errors,
}

impl Head {
    pub(super) fn new(config: &OtlpConfig) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, USER_AGENT);
        let json = config.protocol == OtlpProtocol::HttpJson;
        let content_type = if json {
            "application/json"
        } else {
            "application/x-protobuf"
        };
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        if config.gzip {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        headers.extend(config.headers.clone());
        Self {
            url: config.endpoint.clone(),
            headers,
            json,
            gzip: config.gzip,
            errors: Errors::new(config),
        }
    }
}

/// Sends an encoded `ExportTraceServiceRequest`.
pub(super) async fn send(client: &reqwest::Client, head: &Head, body: Bytes) -> ExportResult {
    let body = if head.json {
        json::from_protobuf(&body)
    } else {
        body
    };
    let body = if head.gzip { gzip(&body) } else { body };
    let request = client
        .post(head.url.clone())
        .headers(head.headers.clone())
        .body(body);
    let result = async { response::read(request.send().await?).await };
    result
        .await
        .unwrap_or_else(|error| head.errors.result(&error))
}

fn gzip(body: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    encoder
        .write_all(body)
        .and_then(|()| encoder.finish())
        .map(Bytes::from)
        .expect("writing to a Vec does not fail")
}
