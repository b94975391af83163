//! What cannot arrive is counted, and said.

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
    PATIENCE, arrived, assert_exact, collector, make_spans, nobody, requests, start,
};

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
