//! `--warm-up`: the requests before the one whose trace is checked.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use trace_contract::TraceParent;
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::support::{CONTRACT, Folder, run, system};

const SLOW: Duration = Duration::from_secs(2);

#[tokio::test]
async fn rounds_are_repeated_until_all_requests_succeed_in_time() {
    let (service, jaeger) = system().await;
    let count = AtomicUsize::new(0);
    Mock::given(path("/hello"))
        .respond_with(
            move |_: &Request| match count.fetch_add(1, Ordering::Relaxed) {
                0..5 => ResponseTemplate::new(503),
                // In the second round, one request is slow.
                5 => ResponseTemplate::new(200).set_delay(SLOW),
                _ => ResponseTemplate::new(200),
            },
        )
        .up_to_n_times(60)
        .with_priority(1)
        .mount(&service)
        .await;
    let folder = Folder::new();
    let contract = folder.file("hello.yaml", CONTRACT);
    let url = format!("{}/hello", service.uri());
    let jaeger_url = jaeger.uri();
    run(&format!(
        "check --jaeger {jaeger_url} --url {url} -H X-Check:1 --warm-up 5 {contract}"
    ))
    .await
    .expect(0);
    let sent = service.received_requests().await.expect("recorded");
    let sampled: Vec<_> = sent.iter().map(is_sampled).collect();
    assert_eq!(
        sampled.len(),
        61,
        "twelve rounds of five, and the request that is checked"
    );
    let count = sampled.iter().filter(|sampled| **sampled).count();
    assert_eq!(count, 1, "only one request is sampled");
    assert!(sampled[60], "the sampled request is the last");
}

fn is_sampled(request: &Request) -> bool {
    let sent = request.headers["traceparent"].to_str().expect("text");
    sent.parse::<TraceParent>()
        .expect("a traceparent")
        .sampled()
}

#[tokio::test]
async fn a_failed_warm_up_exits_with_2() {
    let service = MockServer::start().await;
    Mock::given(path("/hello"))
        .respond_with(ResponseTemplate::new(200).set_delay(SLOW))
        .mount(&service)
        .await;
    let folder = Folder::new();
    let contract = folder.file("hello.yaml", CONTRACT);
    let url = format!("{}/hello", service.uri());
    let started_at = Instant::now();
    let run = run(&format!(
        "check --jaeger http://127.0.0.1:1 --url {url} --warm-up 2 --warm-up-within 100ms \
         --timeout 500ms {contract}"
    ))
    .await
    .expect(2);
    assert!(started_at.elapsed() < SLOW, "--timeout must bound it");
    let expected =
        "for 2 concurrent requests to succeed within 100ms each; last error: no response from";
    assert!(run.err.contains(expected), "{}", run.err);
}
