//! Spans that are exported, and the requests that carry them.

use std::io::Read;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use telemetry::pipeline::DropReason;
use wiremock::ResponseTemplate;

use crate::fixture::{
    TIMEOUT, assert_exact, collector, create_spans, received, requests, spans, start, unreachable,
};

#[tokio::test]
async fn a_healthy_collector_receives_every_span_once() {
    let server = collector(vec![ResponseTemplate::new(200)]).await;
    let pipeline = start(&server.uri(), &[]);
    create_spans(&pipeline, 5000);
    let counts = pipeline.shutdown(TIMEOUT).await;
    assert_exact(&counts, 5000);
    assert_eq!(counts.exported, 5000, "{counts}");
    let requests = requests(&server).await;
    assert_eq!(received(&requests).len(), 5000);
    let sent: usize = requests
        .iter()
        .map(|request| spans(&request.body).len())
        .sum();
    assert_eq!(sent, 5000, "no span is sent twice to a healthy Collector");
}

#[tokio::test]
async fn spans_are_exported_after_the_schedule_delay() {
    let server = collector(vec![ResponseTemplate::new(200)]).await;
    let pipeline = start(&server.uri(), &[("OTEL_BSP_SCHEDULE_DELAY", "50")]);
    create_spans(&pipeline, 3);
    let started_at = Instant::now();
    while pipeline.accounting().snapshot().exported < 3 {
        let counts = pipeline.accounting().snapshot();
        assert!(
            started_at.elapsed() < TIMEOUT,
            "waited {TIMEOUT:?} for three spans to be exported; last saw {counts}"
        );
        tokio::task::yield_now().await;
    }
    assert_eq!(pipeline.shutdown(TIMEOUT).await.exported, 3);
}

#[tokio::test]
async fn a_flush_waits_until_the_queued_spans_are_exported() {
    let server = collector(vec![ResponseTemplate::new(200)]).await;
    let pipeline = start(&server.uri(), &[("OTEL_BSP_SCHEDULE_DELAY", "600000")]);
    create_spans(&pipeline, 10);
    let provider = pipeline.provider().clone();
    let flushed = tokio::task::spawn_blocking(move || provider.force_flush()).await;
    flushed
        .expect("no panic")
        .expect("a flush to a healthy Collector succeeds");
    assert_eq!(pipeline.accounting().snapshot().exported, 10);
    pipeline.shutdown(TIMEOUT).await;
}

#[tokio::test]
async fn retryable_responses_are_retried_until_the_batch_is_accepted() {
    let server = collector(vec![
        ResponseTemplate::new(503),
        ResponseTemplate::new(429).insert_header("retry-after", "1"),
        ResponseTemplate::new(502),
        ResponseTemplate::new(504),
        ResponseTemplate::new(200),
    ])
    .await;
    let pipeline = start(&server.uri(), &[("OTEL_BSP_SCHEDULE_DELAY", "10")]);
    create_spans(&pipeline, 100);
    let started_at = Instant::now();
    while pipeline.accounting().snapshot().exported < 100 {
        let counts = pipeline.accounting().snapshot();
        assert!(started_at.elapsed() < TIMEOUT, "last saw {counts}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(
        started_at.elapsed() >= Duration::from_secs(1),
        "the exporter must wait for Retry-After"
    );
    assert_exact(&pipeline.shutdown(TIMEOUT).await, 100);
}

#[tokio::test]
async fn a_slow_collector_loses_nothing() {
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_secs(2));
    let server = collector(vec![slow]).await;
    let pipeline = start(&server.uri(), &[]);
    create_spans(&pipeline, 3000);
    let counts = pipeline.shutdown(TIMEOUT).await;
    assert_exact(&counts, 3000);
    assert_eq!(counts.exported, 3000, "{counts}");
}

#[tokio::test]
async fn spans_that_are_sampled_out_are_counted_and_not_exported() {
    let server = collector(vec![ResponseTemplate::new(200)]).await;
    let pipeline = start(&server.uri(), &[("OTEL_TRACES_SAMPLER", "always_off")]);
    create_spans(&pipeline, 10);
    let counts = pipeline.shutdown(TIMEOUT).await;
    assert_exact(&counts, 10);
    assert_eq!((counts.sampled_out, counts.lost()), (10, 0), "{counts}");
    assert!(requests(&server).await.is_empty());
}

#[tokio::test]
async fn without_an_exporter_spans_are_created_and_counted() {
    let pipeline = start(&unreachable().await, &[("OTEL_TRACES_EXPORTER", "none")]);
    create_spans(&pipeline, 10);
    let counts = pipeline.shutdown(Duration::ZERO).await;
    assert_exact(&counts, 10);
    assert_eq!(counts.dropped_by(DropReason::ExporterNone), 10);
    assert_eq!(
        counts.lost(),
        0,
        "the configuration drops them, so they do not count as lost"
    );
}

#[tokio::test]
async fn a_request_follows_the_specification_of_otlp_over_http() {
    let server = collector(vec![ResponseTemplate::new(200)]).await;
    let vars = [
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=blue%20team"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
    ];
    let pipeline = start(&server.uri(), &vars);
    create_spans(&pipeline, 10);
    pipeline.shutdown(TIMEOUT).await;
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
        "an export does not belong to a trace"
    );
    let mut body = Vec::new();
    GzDecoder::new(request.body.as_slice())
        .read_to_end(&mut body)
        .expect("the body must be gzip");
    assert_eq!(spans(&body).len(), 10);
}
