//! A real Collector with a kind of transport security, and services that export to it.

use anyhow::Result;
use tests::backend::Collector;
use tests::local::SystemConfig;
use trace_contract::Receiver;

use crate::certificates::{Certificates, Fault};

/// How the Collector and the services trust each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Security {
    Plain,
    /// The Collector has a certificate.
    Tls,
    /// The services have one, too.
    Mtls,
}

/// A value of `OTEL_EXPORTER_OTLP_PROTOCOL`.
pub(crate) const PROTOCOLS: [&str; 3] = ["http/protobuf", "http/json", "grpc"];

/// A Collector that passes its spans on to a receiver.
pub(crate) struct Secured {
    pub(crate) collector: Collector,
    pub(crate) receiver: Receiver,
    pub(crate) certificates: Certificates,
    security: Security,
}

impl Secured {
    /// Returns `None`, and marks the test as skipped, if the Collector is missing.
    pub(crate) async fn start(security: Security) -> Result<Option<Self>> {
        Self::with_fault(security, None).await
    }

    /// The same with a fault in the Collector's certificate.
    pub(crate) async fn with_fault(
        security: Security,
        fault: Option<Fault>,
    ) -> Result<Option<Self>> {
        let receiver = Receiver::bind("127.0.0.1:0").await?;
        receiver.store().keep(usize::MAX);
        let certificates = Certificates::new()?;
        certificates.replace(fault)?;
        let overlay = overlay(security, &receiver.endpoint());
        certificates.write("collector.yaml", &overlay)?;
        let collector = Collector::or_skip(&certificates.path("collector.yaml")).await?;
        Ok(collector.map(|collector| Self {
            collector,
            receiver,
            certificates,
            security,
        }))
    }

    /// The configuration of services that export with this protocol.
    pub(crate) fn config(&self, protocol: &str) -> SystemConfig {
        let port = match protocol {
            "grpc" => self.collector.grpc_port(),
            _ => self.collector.http_port(),
        };
        let scheme = match self.security {
            Security::Plain => "http",
            Security::Tls | Security::Mtls => "https",
        };
        let file = |name| self.certificates.path(name).display().to_string();
        let mut config = SystemConfig::new()
            .with_long_timeouts()
            .export_to(format!("{scheme}://localhost:{port}"))
            .all("OTEL_EXPORTER_OTLP_PROTOCOL", protocol);
        if self.security != Security::Plain {
            config = config.all("OTEL_EXPORTER_OTLP_CERTIFICATE", file("ca.pem"));
        }
        if self.security == Security::Mtls {
            config = config
                .all("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", file("client.pem"))
                .all("OTEL_EXPORTER_OTLP_CLIENT_KEY", file("client.key"));
        }
        config
    }
}

/// Merged over the chart's configuration of the Collector.
fn overlay(security: Security, receiver: &str) -> String {
    let server = r#"cert_file: "${env:OVERLAY}/server.pem", key_file: "${env:OVERLAY}/server.key", reload_interval: 100ms"#;
    let clients = r#"client_ca_file: "${env:OVERLAY}/ca.pem", client_ca_file_reload: true"#;
    let tls = match security {
        Security::Plain => String::new(),
        Security::Tls => format!("tls: {{{server}}}"),
        Security::Mtls => format!("tls: {{{server}, {clients}}}"),
    };
    format!(
        "receivers:
  otlp:
    protocols:
      grpc: {{{tls}}}
      http: {{{tls}}}
exporters:
  otlp_http/test:
    endpoint: {receiver}
service:
  pipelines:
    traces:
      exporters: [otlp_http/test]
"
    )
}
