//! Runs the command and checks its output and exit statuses.

#![cfg(feature = "cli")]

mod check;
mod support;
mod warm_up;

use trace_contract::{SpanId, TraceParent};
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use support::{CONTRACT, Folder, ID, TRACE, run};

#[tokio::test]
async fn a_recorded_contract_is_satisfied_and_never_overwritten() {
    let folder = Folder::new();
    let file = folder.file("trace.json", TRACE);
    let contract = folder.name("recorded.yaml");
    run(&["record", "--file", &file, "-o", &contract])
        .await
        .expect(0);
    let checked = run(&["check", "--file", &file, &contract]).await.expect(0);
    assert!(
        checked.out.contains("contract satisfied"),
        "{}",
        checked.out
    );
    let again = run(&["record", "--file", &file, "-o", &contract])
        .await
        .expect(2);
    assert!(
        again.err.contains("a file that does not exist"),
        "{}",
        again.err
    );

    let wrong = SpanId::random().to_string();
    let parent = run(&["check", "--file", &file, "--parent", &wrong, &contract]).await;
    let parent = parent.expect(1);
    assert!(
        parent
            .out
            .contains("root gateway SERVER GET /hello has a parent"),
        "{}",
        parent.out
    );
}

#[tokio::test]
async fn a_file_with_several_traces_requires_a_trace_id() {
    let folder = Folder::new();
    let other = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab";
    let file = folder.file(
        "traces.json",
        &format!("{TRACE}\n{}", TRACE.replace(ID, other)),
    );
    let run_without = run(&["show", "--file", &file]).await.expect(2);
    assert!(
        run_without.err.contains("has 2 traces"),
        "{}",
        run_without.err
    );
    let shown = run(&["show", "--file", &file, other]).await.expect(0);
    assert!(
        shown.out.starts_with(&format!("trace {other}: 5 spans")),
        "{}",
        shown.out
    );
}

#[tokio::test]
async fn spans_are_received_without_jaeger() {
    let folder = Folder::new();
    let contract = folder.file("hello.yaml", CONTRACT);
    // Finds a free port, because the service must know the address in advance.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address").to_string();
    drop(listener);
    let service = MockServer::start().await;
    let endpoint = format!("http://{address}/v1/traces");
    Mock::given(path("/hello"))
        .respond_with(move |request: &Request| {
            let sent = request.headers["traceparent"].to_str().expect("text");
            let caller: TraceParent = sent.parse().expect("a traceparent");
            let exported = TRACE
                .strip_prefix("{\"result\":")
                .and_then(|rest| rest.trim_end().strip_suffix('}'))
                .expect("Jaeger's envelope")
                .replace(ID, &caller.trace_id().to_string())
                .replace("00f067aa0ba902b7", &caller.span_id().to_string());
            let export = reqwest::Client::new()
                .post(&endpoint)
                .header("content-type", "application/json")
                .body(exported);
            tokio::spawn(export.send());
            ResponseTemplate::new(200)
        })
        .mount(&service)
        .await;
    let url = format!("{}/hello", service.uri());
    let run = run(&["check", "--listen", &address, "--url", &url, &contract])
        .await
        .expect(0);
    assert!(
        run.err
            .contains(&format!("receiving OTLP/HTTP at http://{address}")),
        "{}",
        run.err
    );
    assert!(run.out.contains("contract satisfied"), "{}", run.out);
}

#[tokio::test]
async fn help_version_and_schema_are_printed() {
    let help = run(&["check", "--help"]).await.expect(0);
    assert!(help.out.contains("Exit status: 0"), "{}", help.out);
    let version = run(&["--version"]).await.expect(0);
    assert!(
        version.out.starts_with("trace-contract "),
        "{}",
        version.out
    );
    let schema = run(&["schema"]).await.expect(0);
    assert!(schema.out.contains("draft/2020-12"), "{}", schema.out);
}
