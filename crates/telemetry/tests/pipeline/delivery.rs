//! What arrives, and how it is sent.

use std::io::Read;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use telemetry::pipeline::DropReason;
use wiremock::ResponseTemplate;

use crate::fixture::{
    PATIENCE, arrived, assert_exact, collector, make_spans, nobody, requests, spans, start,
};

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
