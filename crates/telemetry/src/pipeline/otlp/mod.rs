//! OTLP: one request per batch, over HTTP with protobuf or JSON bodies.
//!
//! `opentelemetry-otlp` can only export the SDK's `SpanData`, and encoding with
//! it costs 20 % of the instructions of a traced request (see `encode`). So this
//! module sends our encoded bytes with a plain `reqwest` client.

mod connection;
mod http;
mod partial_success;
mod response;
mod transport_error;

use ::http::HeaderValue;
use bytes::Bytes;

use self::connection::Connection;
use self::http::Head;
use super::error::PipelineError;
use super::export_result::ExportResult;
use crate::config::{OtlpConfig, ProxyUrl};

/// `User-Agent`, as the OTLP exporter specification defines it.
const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!(
    "OTel-OTLP-Exporter-Rust/",
    env!("CARGO_PKG_VERSION")
));

/// An exporter to one Collector.
pub(super) struct Otlp {
    connection: Connection,
    head: Head,
    proxy: Option<ProxyUrl>,
}

impl Otlp {
    /// # Errors
    /// If the HTTP client cannot be created.
    pub(super) fn new(config: &OtlpConfig) -> Result<Self, PipelineError> {
        Ok(Self {
            connection: Connection::new(config)?,
            head: Head::new(config),
            proxy: config.proxy.clone(),
        })
    }

    /// Makes one attempt to send an encoded `ExportTraceServiceRequest`.
    pub(super) async fn export(&mut self, body: Bytes) -> ExportResult {
        let sent = http::send(self.connection.client(), &self.head, body).await;
        let mut result = sent.unwrap_or_else(|error| ExportResult::Unavailable {
            error: transport_error::describe(&error).to_owned(),
            retry_after: None,
        });
        if let (Some(error), Some(proxy)) = (result.error_mut(), &self.proxy) {
            // The proxy may have caused it, and may even be the one that responded.
            *error = format!("{error}; through the proxy {proxy} (TELEMETRY_PROXY)");
        }
        result
    }
}
