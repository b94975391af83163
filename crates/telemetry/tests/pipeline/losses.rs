//! Spans that cannot be exported are counted, with the reason.

use std::time::{Duration, Instant};

use opentelemetry::trace::{Span as _, Tracer, TracerProvider};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message;
use telemetry::pipeline::DropReason;
use tokio::net::TcpListener;
use wiremock::ResponseTemplate;

use crate::fixture::{
    TIMEOUT, assert_exact, collector, create_spans, received, requests, start, unreachable,
};

#[tokio::test]
async fn spans_that_the_collector_rejects_are_counted() {
    let server = collector(vec![ResponseTemplate::new(400)]).await;
    let pipeline = start(&server.uri(), &[]);
    create_spans(&pipeline, 10);
    let counts = pipeline.shutdown(TIMEOUT).await;
    assert_exact(&counts, 10);
    assert_eq!(counts.dropped_by(DropReason::Rejected), 10, "{counts}");
    assert_eq!(requests(&server).await.len(), 1, "a 400 is not retried");
}

#[tokio::test]
async fn a_partial_success_is_counted_per_span() {
    let partial = ExportTraceServiceResponse {
        partial_success: Some(ExportTracePartialSuccess {
            rejected_spans: 3,
            error_message: "too old".to_owned(),
        }),
    };
    let response =
        ResponseTemplate::new(200).set_body_raw(partial.encode_to_vec(), "application/x-protobuf");
    let server = collector(vec![response]).await;
    let pipeline = start(&server.uri(), &[]);
    create_spans(&pipeline, 10);
    let counts = pipeline.shutdown(TIMEOUT).await;
    assert_exact(&counts, 10);
    let rejected = counts.dropped_by(DropReason::Rejected);
    assert_eq!((counts.exported, rejected), (7, 3), "{counts}");
}

#[tokio::test]
async fn shutdown_keeps_its_timeout_when_the_collector_is_unreachable() {
    let pipeline = start(&unreachable().await, &[]);
    create_spans(&pipeline, 1000);
    let started_at = Instant::now();
    let counts = pipeline.shutdown(Duration::from_millis(500)).await;
    assert!(
        started_at.elapsed() < Duration::from_secs(3),
        "{:?}",
        started_at.elapsed()
    );
    assert_exact(&counts, 1000);
    let late = counts.dropped_by(DropReason::ShutdownTimeout);
    assert_eq!(late, 1000, "undelivered spans are counted: {counts}");
}

#[tokio::test]
async fn shutdown_keeps_its_timeout_when_the_collector_never_responds() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let endpoint = format!("http://{}", listener.local_addr().expect("it has one"));
    let silent = tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok(connection) = listener.accept().await {
            kept.push(connection);
        }
    });
    let pipeline = start(&endpoint, &[]);
    create_spans(&pipeline, 1000);
    let started_at = Instant::now();
    let counts = pipeline.shutdown(Duration::from_millis(500)).await;
    assert!(
        started_at.elapsed() < Duration::from_secs(3),
        "{:?}",
        started_at.elapsed()
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
async fn a_full_queue_drops_the_newest_spans_and_counts_them() {
    let sizes = [
        ("OTEL_BSP_MAX_QUEUE_SIZE", "100"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10"),
    ];
    let pipeline = start(&unreachable().await, &sizes);
    create_spans(&pipeline, 500);
    let counts = pipeline.shutdown(Duration::from_millis(200)).await;
    assert_exact(&counts, 500);
    let full = counts.dropped_by(DropReason::QueueFull);
    // One batch may be in an export attempt while the queue fills up.
    assert!((390..=400).contains(&full), "{counts}");
}

#[tokio::test]
async fn a_batch_is_dropped_only_when_newer_spans_need_its_room() {
    let vars = [
        ("OTEL_BSP_MAX_QUEUE_SIZE", "100"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "50"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "100"),
        ("OTEL_BSP_SCHEDULE_DELAY", "10"),
    ];
    let pipeline = start(&unreachable().await, &vars);
    create_spans(&pipeline, 50);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let counts = pipeline.accounting().snapshot();
    assert_eq!(
        counts.lost(),
        0,
        "the queue has room, so no span is dropped: {counts}"
    );
    create_spans(&pipeline, 200);
    let started_at = Instant::now();
    while pipeline
        .accounting()
        .snapshot()
        .dropped_by(DropReason::ExportTimeout)
        == 0
    {
        let counts = pipeline.accounting().snapshot();
        assert!(started_at.elapsed() < TIMEOUT, "last saw {counts}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_exact(&pipeline.shutdown(Duration::ZERO).await, 250);
}

#[tokio::test]
async fn a_span_that_never_ends_is_counted() {
    let server = collector(vec![ResponseTemplate::new(200)]).await;
    let pipeline = start(&server.uri(), &[]);
    let tracer = pipeline.provider().tracer("test");
    let open = tracer.start("forgotten");
    create_spans(&pipeline, 1);
    assert_eq!(pipeline.accounting().snapshot().open, 1);
    let counts = pipeline.shutdown(TIMEOUT).await;
    assert_exact(&counts, 2);
    assert_eq!(counts.dropped_by(DropReason::Unended), 1, "{counts}");
    drop(open);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_counts_add_up_at_any_moment_under_load() {
    let server = collector(vec![ResponseTemplate::new(200)]).await;
    let sizes = [
        ("OTEL_BSP_MAX_QUEUE_SIZE", "64"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "16"),
    ];
    let pipeline = start(&server.uri(), &sizes);
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let tracer = pipeline.provider().tracer("test");
            std::thread::spawn(move || {
                for _ in 0..20_000 {
                    tracer.start("span").end();
                }
            })
        })
        .collect();
    while threads.iter().any(|thread| !thread.is_finished()) {
        let counts = pipeline.accounting().snapshot();
        assert!(counts.is_exact(), "the counts must add up: {counts}");
        tokio::task::yield_now().await;
    }
    let counts = pipeline.shutdown(TIMEOUT).await;
    assert_exact(&counts, 60_000);
    let received = received(&requests(&server).await).len() as u64;
    assert_eq!(
        received, counts.exported,
        "exported spans must have been received"
    );
}
