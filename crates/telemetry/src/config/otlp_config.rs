//! The OTLP exporter's configuration as types.

use std::fmt;
use std::time::Duration;

use http::HeaderMap;
use url::Url;

use super::redact::without_secrets;
use crate::tls::TlsConfig;

/// The OTLP exporter, `OTEL_EXPORTER_OTLP_*` and `OTEL_EXPORTER_OTLP_TRACES_*`.
#[derive(Clone, PartialEq, Eq)]
pub struct OtlpConfig {
    /// `OTEL_EXPORTER_OTLP_PROTOCOL`. Default `http/protobuf`.
    pub protocol: OtlpProtocol,
    /// With HTTP, the complete URL with its path. With gRPC, the URL of the
    /// server, to which nothing is appended. The scheme is `http` or `https`.
    pub endpoint: Url,
    /// The certificates of an `https` endpoint.
    pub tls: TlsConfig,
    /// `TELEMETRY_PROXY`: the proxy for exports; by default none, whatever
    /// `HTTPS_PROXY` and similar variables are.
    pub proxy: Option<ProxyUrl>,
    /// `TELEMETRY_CONNECTION_MAX_AGE`: a connection of this age is replaced, so that
    /// new replicas of the Collector also receive spans. Default 5 minutes.
    pub connection_max_age: Duration,
    /// Headers of every export, percent-decoded. The values are secrets and
    /// marked as sensitive, so `Debug` shows only the names.
    pub headers: HeaderMap,
    /// Timeout of one attempt. Default 10 s.
    pub timeout: Duration,
    /// Whether bodies are compressed with gzip.
    pub gzip: bool,
}

/// `OTEL_EXPORTER_OTLP_PROTOCOL`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtlpProtocol {
    /// `grpc`: protobuf messages over HTTP/2, usually port 4317.
    Grpc,
    /// `http/protobuf`: protobuf bodies over HTTP/1.1, usually port 4318.
    HttpProtobuf,
    /// `http/json`: JSON bodies over HTTP/1.1, usually port 4318.
    HttpJson,
}

impl OtlpProtocol {
    /// The URL that is used when no variable sets one.
    pub(super) fn default_endpoint(self) -> Url {
        let url = match self {
            Self::Grpc => "http://localhost:4317",
            Self::HttpProtobuf | Self::HttpJson => "http://localhost:4318/v1/traces",
        };
        Url::parse(url).expect("a constant URL is valid")
    }
}

/// The URL of a proxy. It may contain credentials: `Display` and `Debug` omit them.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyUrl(pub(super) Url);

impl ProxyUrl {
    /// The complete URL, with credentials.
    pub fn url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_secrets(self.0.as_str()))
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for OtlpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtlpConfig")
            .field("protocol", &self.protocol)
            .field("endpoint", &without_secrets(self.endpoint.as_str()))
            .field("tls", &self.tls)
            .field("proxy", &self.proxy)
            .field("connection_max_age", &self.connection_max_age)
            .field("headers", &self.headers)
            .field("timeout", &self.timeout)
            .field("gzip", &self.gzip)
            .finish()
    }
}
