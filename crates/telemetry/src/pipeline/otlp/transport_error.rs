//! Why no response arrived, without anything that a peer sent and without secrets.

use std::error::Error;
use std::iter::successors;

use crate::config::{OtlpConfig, OtlpProtocol};
use crate::pipeline::export_result::ExportResult;
use crate::tls::{self, Cause, TlsConfig, TlsFile};

const GRPC_PORT: &str = "this looks like a gRPC port: set OTEL_EXPORTER_OTLP_PROTOCOL=grpc, or \
                         use the Collector's port for OTLP over HTTP, usually 4318";
const HTTP_PORT: &str = "this looks like an HTTP port: set \
                         OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, or use the Collector's port \
                         for gRPC, usually 4317";
const MAYBE_HTTP_PORT: &str = "check that this is a gRPC port, usually 4317; for an HTTP port, set \
                               OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf";
const NO_CLIENT_CERTIFICATE: &str = "the server may require a client certificate: set \
                                     OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and \
                                     OTEL_EXPORTER_OTLP_CLIENT_KEY";

/// Describes errors with the settings to check.
pub(super) struct Errors {
    protocol: OtlpProtocol,
    tls: TlsConfig,
    port: Option<u16>,
    is_https: bool,
}

impl Errors {
    pub(super) fn new(config: &OtlpConfig) -> Self {
        Self {
            protocol: config.protocol,
            tls: config.tls.clone(),
            port: config.endpoint.port(),
            is_https: config.endpoint.scheme() == "https",
        }
    }

    /// The batch can be retried: the server may not have received it, or may become
    /// available.
    pub(super) fn result(&self, error: &reqwest::Error) -> ExportResult {
        ExportResult::Unavailable {
            error: self.describe(error),
            retry_after: None,
        }
    }

    fn describe(&self, error: &reqwest::Error) -> String {
        if error.is_timeout() {
            return "no response in time (OTEL_EXPORTER_OTLP_TIMEOUT)".to_owned();
        }
        if let Some(failure) = tls::failure(error) {
            return format!("{}{}", failure.reason, self.setting(failure.cause));
        }
        if error.is_connect() {
            return "no connection".to_owned();
        }
        let hint = match self.protocol {
            OtlpProtocol::Grpc if self.port == Some(4318) || is_not_http2(error) => HTTP_PORT,
            OtlpProtocol::HttpProtobuf | OtlpProtocol::HttpJson
                if self.port == Some(4317) || is_not_http1(error) =>
            {
                GRPC_PORT
            }
            // The server's alert is lost if the connection breaks before it is read.
            _ if self.is_https => match &self.tls.client_certificate {
                None => NO_CLIENT_CERTIFICATE,
                Some(file) => {
                    let variable = file.variable;
                    return format!(
                        "the connection failed; the server may reject the client certificate \
                         ({variable})"
                    );
                }
            },
            // An HTTP/1.1 server closes the connection, often before its response is read.
            OtlpProtocol::Grpc => MAYBE_HTTP_PORT,
            _ => return "the connection failed".to_owned(),
        };
        format!("the connection failed; {hint}")
    }

    /// The setting that a failed handshake makes suspect.
    fn setting(&self, cause: Cause) -> String {
        let name =
            |file: &Option<TlsFile>, default| file.as_ref().map_or(default, |it| it.variable);
        match (cause, &self.tls.client_certificate) {
            (Cause::Authorities, _) => {
                let variable = name(&self.tls.ca, "OTEL_EXPORTER_OTLP_CERTIFICATE");
                format!(" ({variable})")
            }
            (Cause::ClientCertificate, Some(file)) => format!(" ({})", file.variable),
            (Cause::ClientCertificate, None) => format!("; {NO_CLIENT_CERTIFICATE}"),
            (Cause::Server, _) => " (OTEL_EXPORTER_OTLP_ENDPOINT)".to_owned(),
        }
    }
}

/// The server's first bytes are not an HTTP/1.1 response. gRPC's are an HTTP/2 frame,
/// which it sends even before the request.
fn is_not_http1(error: &reqwest::Error) -> bool {
    causes::<hyper::Error>(error)
        .any(|error| error.is_parse() || error.to_string().contains("unexpected message"))
}

/// The server's first bytes are not HTTP/2 frames.
fn is_not_http2(error: &reqwest::Error) -> bool {
    causes::<h2::Error>(error).any(h2::Error::is_library)
}

/// The causes of an error that have this type.
fn causes<T: Error + 'static>(error: &reqwest::Error) -> impl Iterator<Item = &T> {
    let first: &(dyn Error + 'static) = error;
    successors(Some(first), |error| Error::source(*error)).filter_map(|it| it.downcast_ref())
}
