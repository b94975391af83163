//! Collectors, and pipelines that export to them.

use std::collections::HashSet;
use std::time::Duration;

use opentelemetry::trace::{Span as _, Tracer, TracerProvider};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use telemetry::pipeline::{self, Pipeline};
use telemetry::{Config, ServiceInfo, SpanCounts};
use tokio::net::TcpListener;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

/// Long enough on a busy machine.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(20);

pub(crate) fn start(endpoint: &str, more: &[(&str, &str)]) -> Pipeline {
    let service = ServiceInfo {
        name: "test",
        version: "0",
    };
    let config = Config::from_vars(service, |name| {
        let found = more.iter().find(|(known, _)| *known == name);
        let value = found.map(|(_, value)| (*value).to_owned());
        let endpoint = (name == "OTEL_EXPORTER_OTLP_ENDPOINT").then(|| endpoint.to_owned());
        value.or(endpoint).map(Into::into)
    })
    .expect("a test's configuration is valid");
    pipeline::start(&config).expect("the pipeline must start")
}

pub(crate) fn create_spans(pipeline: &Pipeline, count: usize) {
    let tracer = pipeline.provider().tracer("test");
    for _ in 0..count {
        tracer.start("span").end();
    }
}

/// The distinct spans of all requests that the Collector received.
pub(crate) fn received(requests: &[Request]) -> HashSet<Vec<u8>> {
    requests
        .iter()
        .flat_map(|request| spans(&request.body))
        .collect()
}

pub(crate) fn spans(body: &[u8]) -> Vec<Vec<u8>> {
    ExportTraceServiceRequest::decode(body)
        .expect("the body must be OTLP")
        .resource_spans
        .into_iter()
        .flat_map(|of| of.scope_spans)
        .flat_map(|of| of.spans)
        .map(|span| span.span_id)
        .collect()
}

pub(crate) fn assert_exact(counts: &SpanCounts, created: u64) {
    assert!(counts.is_exact(), "the counts must add up: {counts}");
    assert_eq!(counts.created, created, "every span is counted: {counts}");
    assert_eq!(
        (counts.open, counts.queued),
        (0, 0),
        "after shutdown no span is open or queued: {counts}"
    );
}

/// A Collector that sends these responses in turn, and then repeats the last one.
pub(crate) async fn collector(responses: Vec<ResponseTemplate>) -> MockServer {
    let server = MockServer::start().await;
    let last = responses.len() - 1;
    for (index, response) in responses.into_iter().enumerate() {
        let mock = Mock::given(any()).respond_with(response);
        let mock = if index < last {
            mock.up_to_n_times(1)
        } else {
            mock
        };
        mock.mount(&server).await;
    }
    server
}

pub(crate) async fn requests(server: &MockServer) -> Vec<Request> {
    server
        .received_requests()
        .await
        .expect("wiremock records requests")
}

/// A URL whose port is closed.
pub(crate) async fn unreachable() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    format!(
        "http://{}",
        listener.local_addr().expect("it has an address")
    )
}
