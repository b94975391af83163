//! Connections to the Collector are replaced, so that new replicas receive spans.

use std::net::SocketAddr;
use std::time::Instant;

use telemetry::pipeline::Pipeline;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use wiremock::{MockServer, ResponseTemplate};

use crate::fixture::{TIMEOUT, assert_exact, collector, create_spans, received, requests, start};

/// Like a Kubernetes Service: each connection reaches the backend that is selected when it
/// is made, and stays there.
async fn service(backend: watch::Receiver<SocketAddr>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it has an address");
    tokio::spawn(async move {
        while let Ok((mut caller, _)) = listener.accept().await {
            let backend = *backend.borrow();
            tokio::spawn(async move {
                let mut collector = TcpStream::connect(backend).await?;
                copy_bidirectional(&mut caller, &mut collector).await
            });
        }
    });
    format!("http://{address}")
}

async fn flush(pipeline: &Pipeline) {
    let provider = pipeline.provider().clone();
    let flushed = tokio::task::spawn_blocking(move || provider.force_flush()).await;
    flushed
        .expect("no panic")
        .expect("a flush to a healthy Collector succeeds");
}

/// Creates spans until this Collector has received some; returns how many.
async fn export_until_received(pipeline: &Pipeline, collector: &MockServer) -> usize {
    let started_at = Instant::now();
    let mut created = 0;
    while requests(collector).await.is_empty() {
        assert!(
            started_at.elapsed() < TIMEOUT,
            "waited {TIMEOUT:?} for a connection to the selected Collector"
        );
        create_spans(pipeline, 10);
        created += 10;
        flush(pipeline).await;
    }
    created
}

#[tokio::test]
async fn a_new_collector_receives_spans_when_the_connection_has_reached_its_maximum_age() {
    let first = collector(vec![ResponseTemplate::new(200)]).await;
    let second = collector(vec![ResponseTemplate::new(200)]).await;
    let (selected, backend) = watch::channel(*first.address());
    let url = service(backend).await;
    let pipeline = start(&url, &[("TELEMETRY_CONNECTION_MAX_AGE", "100ms")]);
    let mut created = export_until_received(&pipeline, &first).await;
    selected.send_replace(*second.address());
    created += export_until_received(&pipeline, &second).await;

    let counts = pipeline.shutdown(TIMEOUT).await;
    assert_exact(&counts, created as u64);
    let all = [requests(&first).await, requests(&second).await].concat();
    let sent: usize = all
        .iter()
        .map(|request| crate::fixture::spans(&request.body).len())
        .sum();
    assert_eq!(
        (counts.exported, received(&all).len(), sent),
        (created as u64, created, created),
        "every span must be received once: {counts}"
    );
}
