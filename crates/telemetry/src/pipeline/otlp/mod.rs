//! OTLP: one request per batch, over gRPC or over HTTP with protobuf or JSON bodies.
//!
//! `opentelemetry-otlp` can only export the SDK's `SpanData`, and encoding with
//! it costs 20 % of the instructions of a traced request (see `encode`). So this
//! module sends our encoded bytes with a plain `reqwest` client.

mod connection;
mod grpc;
mod http;
mod json;
mod partial_success;
mod response;
mod transport_error;
mod user_agent;

use bytes::Bytes;

use self::connection::Connection;
use super::error::PipelineError;
use super::export_result::ExportResult;
use crate::config::{OtlpConfig, OtlpProtocol, ProxyUrl};

/// What all requests of a protocol have in common.
enum Protocol {
    Grpc(grpc::Head),
    Http(http::Head),
}

/// An exporter to one Collector.
pub(super) struct Otlp {
    connection: Connection,
    protocol: Protocol,
    proxy: Option<ProxyUrl>,
}

impl Otlp {
    /// # Errors
    /// If the HTTP client cannot be created.
    pub(super) fn new(config: &OtlpConfig) -> Result<Self, PipelineError> {
        Ok(Self {
            connection: Connection::new(config)?,
            protocol: match config.protocol {
                OtlpProtocol::Grpc => Protocol::Grpc(grpc::Head::new(config)),
                OtlpProtocol::HttpProtobuf | OtlpProtocol::HttpJson => {
                    Protocol::Http(http::Head::new(config))
                }
            },
            proxy: config.proxy.clone(),
        })
    }

    /// Makes one attempt to send an encoded `ExportTraceServiceRequest`.
    pub(super) async fn export(&mut self, body: Bytes) -> ExportResult {
        let client = self.connection.client();
        let mut result = match &self.protocol {
            Protocol::Grpc(head) => grpc::send(client, head, body).await,
            Protocol::Http(head) => http::send(client, head, body).await,
        };
        if let (Some(error), Some(proxy)) = (result.error_mut(), &self.proxy) {
            // The proxy may have caused it, and may even be the one that responded.
            *error = format!("{error}; through the proxy {proxy} (TELEMETRY_PROXY)");
        }
        result
    }
}
