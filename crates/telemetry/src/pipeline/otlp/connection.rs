//! The HTTP client that sends exports, with its connections to the Collector.
//!
//! A connection lives as long as its client. Behind a Kubernetes Service all
//! requests on one connection reach the same Collector, so the client is replaced
//! when it reaches the maximum age. Exports are sequential, and the client is
//! replaced between two attempts: no request is interrupted.

use std::time::{Duration, Instant};

use reqwest::redirect::Policy;
use reqwest::{Client, Proxy};
use rustls::ClientConfig;

use crate::config::{OtlpConfig, OtlpProtocol};
use crate::pipeline::error::PipelineError;
use crate::tls;

/// The current client, and what is needed to build the next one.
pub(super) struct Connection {
    config: OtlpConfig,
    /// It reads its files again at each handshake.
    tls: ClientConfig,
    client: Client,
    created_at: Instant,
    max_age: Duration,
}

impl Connection {
    /// # Errors
    /// If the client cannot be created.
    pub(super) fn new(config: &OtlpConfig) -> Result<Self, PipelineError> {
        let mut tls = config.tls.client_config();
        tls.alpn_protocols = vec![match config.protocol {
            OtlpProtocol::Grpc => b"h2".to_vec(),
            OtlpProtocol::HttpProtobuf | OtlpProtocol::HttpJson => b"http/1.1".to_vec(),
        }];
        Ok(Self {
            client: build(config, &tls)?,
            tls,
            created_at: Instant::now(),
            max_age: with_jitter(config.connection_max_age),
            config: config.clone(),
        })
    }

    /// The client for the next attempt.
    pub(super) fn client(&mut self) -> &Client {
        if self.created_at.elapsed() >= self.max_age {
            // The same settings worked before; if they do not now, the old client does.
            if let Ok(client) = build(&self.config, &self.tls) {
                self.client = client;
            }
            self.created_at = Instant::now();
            self.max_age = with_jitter(self.config.connection_max_age);
        }
        &self.client
    }
}

fn build(config: &OtlpConfig, tls: &ClientConfig) -> Result<Client, PipelineError> {
    let error = |error: reqwest::Error| PipelineError::Exporter(error.without_url().to_string());
    let mut builder = tls::http_client(tls.clone())
        .timeout(config.timeout)
        .redirect(Policy::none())
        // HTTP_PROXY and similar variables are for other traffic: a proxy would
        // receive the exporter's secret headers.
        .no_proxy();
    builder = match config.protocol {
        OtlpProtocol::Grpc => builder.http2_prior_knowledge(),
        OtlpProtocol::HttpProtobuf | OtlpProtocol::HttpJson => builder.http1_only(),
    };
    if let Some(proxy) = &config.proxy {
        if config.protocol == OtlpProtocol::Grpc && config.endpoint.scheme() == "http" {
            // An HTTP proxy forwards plain requests as HTTP/1.1.
            return Err(PipelineError::GrpcProxy);
        }
        builder = builder.proxy(Proxy::all(proxy.url().clone()).map_err(error)?);
    }
    builder.build().map_err(error)
}

/// Between 80 % and 100 % of the age, so that the replicas of a service do not
/// reconnect together.
fn with_jitter(age: Duration) -> Duration {
    let random = getrandom::u32().unwrap_or(u32::MAX);
    let share = f64::from(random) / f64::from(u32::MAX);
    age.saturating_sub((age / 5).mul_f64(share))
}
