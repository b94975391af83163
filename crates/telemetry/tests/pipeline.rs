//! The pipeline against Collectors of every kind: what becomes of the spans, and
//! that the figures add up whatever happens.

use std::collections::HashSet;
use std::io::Read;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use opentelemetry::trace::{Span as _, Tracer, TracerProvider};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_sdk::Resource;
use prost::Message;
use telemetry::pipeline::{self, DropReason, Pipeline};
use telemetry::{ServiceInfo, Settings, SpanCounts};
use tokio::net::TcpListener;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

/// Long enough for what ends by itself on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn start(endpoint: &str, more: &[(&str, &str)]) -> Pipeline {
    let service = ServiceInfo {
        name: "test",
        version: "0",
    };
    let settings = Settings::from_vars(service, |name| {
        let given = more.iter().find(|(known, _)| *known == name);
        let value = given.map(|(_, value)| (*value).to_owned());
        let endpoint = (name == "OTEL_EXPORTER_OTLP_ENDPOINT").then(|| endpoint.to_owned());
        value.or(endpoint).map(Into::into)
    })
    .expect("a test's settings are good");
    pipeline::start(&settings, Resource::builder_empty().build()).expect("the pipeline must start")
}

fn make_spans(pipeline: &Pipeline, count: usize) {
    let tracer = pipeline.provider().tracer("test");
    for _ in 0..count {
        tracer.start("span").end();
    }
}

/// The distinct spans of all requests that the Collector answered with a success.
fn arrived(requests: &[Request]) -> HashSet<Vec<u8>> {
    requests
        .iter()
        .flat_map(|request| spans(&request.body))
        .collect()
}

fn spans(body: &[u8]) -> Vec<Vec<u8>> {
    ExportTraceServiceRequest::decode(body)
        .expect("the body must be OTLP")
        .resource_spans
        .into_iter()
        .flat_map(|of| of.scope_spans)
        .flat_map(|of| of.spans)
        .map(|span| span.span_id)
        .collect()
}

fn assert_exact(counts: &SpanCounts, created: u64) {
    assert!(counts.is_exact(), "the figures must add up: {counts}");
    assert_eq!(counts.created, created, "every span is counted: {counts}");
    assert_eq!(
        (counts.open, counts.queued),
        (0, 0),
        "after shutdown nothing is on its way: {counts}"
    );
}

/// A Collector that answers with these, in turn, and with the last one from then on.
async fn collector(answers: Vec<ResponseTemplate>) -> MockServer {
    let server = MockServer::start().await;
    let last = answers.len() - 1;
    for (place, answer) in answers.into_iter().enumerate() {
        let mock = Mock::given(any()).respond_with(answer);
        let mock = if place < last {
            mock.up_to_n_times(1)
        } else {
            mock
        };
        mock.mount(&server).await;
    }
    server
}

async fn requests(server: &MockServer) -> Vec<Request> {
    server
        .received_requests()
        .await
        .expect("wiremock records requests")
}

/// An address where nobody listens.
async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    format!(
        "http://{}",
        listener.local_addr().expect("it has an address")
    )
}

#[tokio::test]
async fn a_healthy_collector_gets_every_span_once() {
    let server = collector(vec![ResponseTemplate::new(200)]).await;
    let pipeline = start(&server.uri(), &[]);
    make_spans(&pipeline, 5000);
    let counts = pipeline.shutdown(PATIENCE).await;
    assert_exact(&counts, 5000);
    assert_eq!(counts.exported, 5000, "{counts}");
    let requests = requests(&server).await;
    assert_eq!(arrived(&requests).len(), 5000);
    let sent: usize = requests
        .iter()
        .map(|request| spans(&request.body).len())
        .sum();
    assert_eq!(sent, 5000, "no span is sent twice to a healthy Collector");
}

#[tokio::test]
async fn spans_leave_by_themselves_after_the_delay() {
    let server = collector(vec![ResponseTemplate::new(200)]).await;
    let pipeline = start(&server.uri(), &[("OTEL_BSP_SCHEDULE_DELAY", "50")]);
    make_spans(&pipeline, 3);
    let began = Instant::now();
    while pipeline.accounting().snapshot().exported < 3 {
        let counts = pipeline.accounting().snapshot();
        assert!(
            began.elapsed() < PATIENCE,
            "waited {PATIENCE:?} for three spans to be exported; last saw {counts}"
        );
        tokio::task::yield_now().await;
    }
    assert_eq!(pipeline.shutdown(PATIENCE).await.exported, 3);
}

#[tokio::test]
async fn a_flush_ends_when_what_was_queued_has_arrived() {
    let server = collector(vec![ResponseTemplate::new(200)]).await;
    let pipeline = start(&server.uri(), &[("OTEL_BSP_SCHEDULE_DELAY", "600000")]);
    make_spans(&pipeline, 10);
    let provider = pipeline.provider().clone();
    let flushed = tokio::task::spawn_blocking(move || provider.force_flush()).await;
    flushed
        .expect("no panic")
        .expect("a healthy Collector can be flushed to");
    assert_eq!(pipeline.accounting().snapshot().exported, 10);
    pipeline.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn what_may_be_repeated_is_repeated_until_it_arrives() {
    let server = collector(vec![
        ResponseTemplate::new(503),
        ResponseTemplate::new(429).insert_header("retry-after", "1"),
        ResponseTemplate::new(502),
        ResponseTemplate::new(504),
        ResponseTemplate::new(200),
    ])
    .await;
    let pipeline = start(&server.uri(), &[("OTEL_BSP_SCHEDULE_DELAY", "10")]);
    make_spans(&pipeline, 100);
    let began = Instant::now();
    while pipeline.accounting().snapshot().exported < 100 {
        let counts = pipeline.accounting().snapshot();
        assert!(began.elapsed() < PATIENCE, "last saw {counts}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(
        began.elapsed() >= Duration::from_secs(1),
        "Retry-After must be waited for"
    );
    assert_exact(&pipeline.shutdown(PATIENCE).await, 100);
}

#[tokio::test]
async fn a_slow_collector_loses_nothing() {
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_secs(2));
    let server = collector(vec![slow]).await;
    let pipeline = start(&server.uri(), &[]);
    make_spans(&pipeline, 3000);
    let counts = pipeline.shutdown(PATIENCE).await;
    assert_exact(&counts, 3000);
    assert_eq!(counts.exported, 3000, "{counts}");
}

#[tokio::test]
async fn what_the_collector_refuses_is_counted_as_rejected() {
    let server = collector(vec![ResponseTemplate::new(400)]).await;
    let pipeline = start(&server.uri(), &[]);
    make_spans(&pipeline, 10);
    let counts = pipeline.shutdown(PATIENCE).await;
    assert_exact(&counts, 10);
    assert_eq!(counts.dropped_by(DropReason::Rejected), 10, "{counts}");
    assert_eq!(requests(&server).await.len(), 1, "a 400 is not tried again");
}

#[tokio::test]
async fn a_partial_success_is_counted_span_by_span() {
    let partial = ExportTraceServiceResponse {
        partial_success: Some(ExportTracePartialSuccess {
            rejected_spans: 3,
            error_message: "too old".to_owned(),
        }),
    };
    let answer = ResponseTemplate::new(200).set_body_bytes(partial.encode_to_vec());
    let server = collector(vec![answer]).await;
    let pipeline = start(&server.uri(), &[]);
    make_spans(&pipeline, 10);
    let counts = pipeline.shutdown(PATIENCE).await;
    assert_exact(&counts, 10);
    let rejected = counts.dropped_by(DropReason::Rejected);
    assert_eq!((counts.exported, rejected), (7, 3), "{counts}");
}

#[tokio::test]
async fn shutdown_keeps_its_time_when_nobody_listens() {
    let pipeline = start(&nobody().await, &[]);
    make_spans(&pipeline, 1000);
    let began = Instant::now();
    let counts = pipeline.shutdown(Duration::from_millis(500)).await;
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "{:?}",
        began.elapsed()
    );
    assert_exact(&counts, 1000);
    let late = counts.dropped_by(DropReason::ShutdownTimeout);
    assert_eq!(late, 1000, "what did not arrive is said: {counts}");
}

#[tokio::test]
async fn shutdown_keeps_its_time_when_the_collector_never_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let endpoint = format!("http://{}", listener.local_addr().expect("it has one"));
    let silent = tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok(connection) = listener.accept().await {
            kept.push(connection);
        }
    });
    let pipeline = start(&endpoint, &[]);
    make_spans(&pipeline, 1000);
    let began = Instant::now();
    let counts = pipeline.shutdown(Duration::from_millis(500)).await;
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "{:?}",
        began.elapsed()
    );
    assert_exact(&counts, 1000);
    assert_eq!(
        counts.dropped_by(DropReason::ShutdownTimeout),
        1000,
        "{counts}"
    );
    silent.abort();
}

#[tokio::test]
async fn a_full_queue_drops_the_youngest_and_says_so() {
    let sizes = [
        ("OTEL_BSP_MAX_QUEUE_SIZE", "100"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10"),
    ];
    let pipeline = start(&nobody().await, &sizes);
    make_spans(&pipeline, 500);
    let counts = pipeline.shutdown(Duration::from_millis(200)).await;
    assert_exact(&counts, 500);
    let full = counts.dropped_by(DropReason::QueueFull);
    // One batch may be on its way while the queue fills up again.
    assert!((390..=400).contains(&full), "{counts}");
}

#[tokio::test]
async fn a_batch_gives_way_only_when_younger_spans_need_the_room() {
    let vars = [
        ("OTEL_BSP_MAX_QUEUE_SIZE", "100"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "50"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "100"),
        ("OTEL_BSP_SCHEDULE_DELAY", "10"),
    ];
    let pipeline = start(&nobody().await, &vars);
    make_spans(&pipeline, 50);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let counts = pipeline.accounting().snapshot();
    assert_eq!(
        counts.lost(),
        0,
        "there is room, so nothing is given up: {counts}"
    );
    make_spans(&pipeline, 200);
    let began = Instant::now();
    while pipeline
        .accounting()
        .snapshot()
        .dropped_by(DropReason::ExportTimeout)
        == 0
    {
        let counts = pipeline.accounting().snapshot();
        assert!(began.elapsed() < PATIENCE, "last saw {counts}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_exact(&pipeline.shutdown(Duration::ZERO).await, 250);
}

#[tokio::test]
async fn a_span_that_never_ends_is_accounted_for() {
    let server = collector(vec![ResponseTemplate::new(200)]).await;
    let pipeline = start(&server.uri(), &[]);
    let tracer = pipeline.provider().tracer("test");
    let open = tracer.start("forgotten");
    make_spans(&pipeline, 1);
    assert_eq!(pipeline.accounting().snapshot().open, 1);
    let counts = pipeline.shutdown(PATIENCE).await;
    assert_exact(&counts, 2);
    assert_eq!(counts.dropped_by(DropReason::Unended), 1, "{counts}");
    drop(open);
}

#[tokio::test]
async fn spans_that_are_sampled_out_are_counted_and_not_sent() {
    let server = collector(vec![ResponseTemplate::new(200)]).await;
    let pipeline = start(&server.uri(), &[("OTEL_TRACES_SAMPLER", "always_off")]);
    make_spans(&pipeline, 10);
    let counts = pipeline.shutdown(PATIENCE).await;
    assert_exact(&counts, 10);
    assert_eq!((counts.sampled_out, counts.lost()), (10, 0), "{counts}");
    assert!(requests(&server).await.is_empty());
}

#[tokio::test]
async fn without_an_exporter_spans_are_made_and_counted() {
    let pipeline = start(&nobody().await, &[("OTEL_TRACES_EXPORTER", "none")]);
    make_spans(&pipeline, 10);
    let counts = pipeline.shutdown(Duration::ZERO).await;
    assert_exact(&counts, 10);
    assert_eq!(counts.dropped_by(DropReason::ExporterNone), 10);
    assert_eq!(counts.lost(), 0, "nobody wanted them, so none is lost");
}

#[tokio::test]
async fn a_request_is_what_otlp_over_http_asks_for() {
    let server = collector(vec![ResponseTemplate::new(200)]).await;
    let vars = [
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=blue%20team"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
    ];
    let pipeline = start(&server.uri(), &vars);
    make_spans(&pipeline, 10);
    pipeline.shutdown(PATIENCE).await;
    let [request] = requests(&server).await.try_into().expect("one request");
    let header = |name| {
        let value = request.headers.get(name);
        value.map(|value| value.to_str().expect("it is text").to_owned())
    };
    assert_eq!(request.method.as_str(), "POST");
    assert_eq!(request.url.path(), "/v1/traces");
    assert_eq!(
        header("content-type").as_deref(),
        Some("application/x-protobuf")
    );
    assert_eq!(header("x-tenant").as_deref(), Some("blue team"));
    assert_eq!(header("content-encoding").as_deref(), Some("gzip"));
    assert_eq!(
        header("traceparent"),
        None,
        "an export is no part of a trace"
    );
    let mut body = Vec::new();
    GzDecoder::new(request.body.as_slice())
        .read_to_end(&mut body)
        .expect("the body must be gzip");
    assert_eq!(spans(&body).len(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_figures_add_up_at_any_moment_under_load() {
    let server = collector(vec![ResponseTemplate::new(200)]).await;
    let sizes = [
        ("OTEL_BSP_MAX_QUEUE_SIZE", "64"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "16"),
    ];
    let pipeline = start(&server.uri(), &sizes);
    let makers: Vec<_> = (0..3)
        .map(|_| {
            let tracer = pipeline.provider().tracer("test");
            std::thread::spawn(move || {
                for _ in 0..20_000 {
                    tracer.start("span").end();
                }
            })
        })
        .collect();
    while makers.iter().any(|maker| !maker.is_finished()) {
        let counts = pipeline.accounting().snapshot();
        assert!(counts.is_exact(), "the figures must add up: {counts}");
        tokio::task::yield_now().await;
    }
    let counts = pipeline.shutdown(PATIENCE).await;
    assert_exact(&counts, 60_000);
    let arrived = arrived(&requests(&server).await).len() as u64;
    assert_eq!(arrived, counts.exported, "what is said to have arrived did");
}
