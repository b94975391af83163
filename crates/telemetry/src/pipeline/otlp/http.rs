//! OTLP/HTTP: a POST with a protobuf or JSON body.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, header};
use url::Url;

use super::transport_error::Errors;
use super::user_agent::USER_AGENT;
use super::{json, response};
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use async_trait::async_trait;
    use futures_util::FutureExt;
    use http::request::Parts;
    use http::{Request, Response};
    use opentelemetry_http::{HttpClient, HttpError};
    use opentelemetry_otlp::{Protocol, WithExportConfig, WithHttpConfig};
    use opentelemetry_sdk::trace::SpanExporter as _;

    use super::*;
    use crate::config::{Config, ServiceInfo};

    const SERVICE: ServiceInfo = ServiceInfo {
        name: "test",
        version: "1.2.3",
    };

    /// The requests of `opentelemetry-otlp` are the reference for the OTLP exporter
    /// specification.
    #[test]
    fn requests_have_the_head_that_opentelemetry_otlp_sends() {
        for (name, protocol) in [
            ("http/protobuf", Protocol::HttpBinary),
            ("http/json", Protocol::HttpJson),
        ] {
            for compression in ["none", "gzip"] {
                let expected = head_of_the_library(protocol, compression);
                let config = Config::from_vars(SERVICE, |variable| match variable {
                    "OTEL_EXPORTER_OTLP_PROTOCOL" => Some(name.into()),
                    "OTEL_EXPORTER_OTLP_COMPRESSION" => Some(compression.into()),
                    _ => None,
                });
                let config = config.expect("the variables are valid");
                let head = Head::new(&config.otlp);
                assert_eq!(head.url.as_str(), expected.uri.to_string());
                for header in [header::CONTENT_TYPE, header::CONTENT_ENCODING] {
                    assert_eq!(
                        head.headers.get(&header),
                        expected.headers.get(&header),
                        "{header} with {name} and compression {compression}"
                    );
                }
                let user_agent = |headers: &HeaderMap| {
                    let value = headers[header::USER_AGENT].to_str().expect("text");
                    value.split('/').next().map(str::to_owned)
                };
                assert_eq!(user_agent(&head.headers), user_agent(&expected.headers));
            }
        }
    }

    /// The head of an export of no spans by `opentelemetry-otlp`.
    fn head_of_the_library(protocol: Protocol, compression: &str) -> Parts {
        let recorder = Recorder::default();
        let mut builder = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_protocol(protocol)
            .with_http_client(recorder.clone());
        if compression == "gzip" {
            builder = builder.with_compression(opentelemetry_otlp::Compression::Gzip);
        }
        let exporter = builder.build().expect("the defaults are valid");
        let result = exporter.export(Vec::new()).now_or_never();
        assert!(
            matches!(result, Some(Ok(()))),
            "the recorder responds immediately with a success, not {result:?}"
        );
        let head = recorder.0.lock().expect("no test panicked").take();
        head.expect("an export is one request")
    }

    /// An HTTP client that records the head of the last request and sends nothing.
    #[derive(Clone, Debug, Default)]
    struct Recorder(Arc<Mutex<Option<Parts>>>);

    #[async_trait]
    impl HttpClient for Recorder {
        async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
            let (head, _) = request.into_parts();
            *self.0.lock().expect("no test panicked") = Some(head);
            Ok(Response::new(Bytes::new()))
        }
    }
}
