//! Runs the command and checks its output and exit statuses.

#![cfg(feature = "cli")]

mod check;
mod record;
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
    let record = format!("record --file {file} -o {contract}");
    run(&record).await.expect(0);
    let check = format!("check --file {file} {contract}");
    let checked = run(&check).await.expect(0);
    let out = checked.out;
    assert!(out.contains("contract satisfied"), "{out}");
    let err = run(&record).await.expect(2).err;
    assert!(err.contains("a file that does not exist"), "{err}");

    let wrong = SpanId::random();
    let wrong_parent = run(&format!("{check} --parent {wrong}")).await.expect(1);
    let out = wrong_parent.out;
    assert!(
        out.contains("root gateway SERVER GET /hello has a parent"),
        "{out}"
    );
}

#[tokio::test]
async fn a_file_with_several_traces_requires_a_trace_id() {
    let folder = Folder::new();
    let other = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab";
    let traces = format!("{TRACE}\n{}", TRACE.replace(ID, other));
    let show = format!("show --file {}", folder.file("traces.json", &traces));
    let err = run(&show).await.expect(2).err;
    assert!(err.contains("has 2 traces"), "{err}");
    let out = run(&format!("{show} {other}")).await.expect(0).out;
    let first_line = format!("trace {other}: 5 spans");
    assert!(out.starts_with(&first_line), "{out}");
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
            let export = trace_contract::http_client::builder().no_proxy().build();
            let export = export
                .expect("a client can be created")
                .post(&endpoint)
                .header("content-type", "application/json")
                .body(exported);
            tokio::spawn(export.send());
            ResponseTemplate::new(200)
        })
        .mount(&service)
        .await;
    let url = format!("{}/hello", service.uri());
    let run = run(&format!("check --listen {address} --url {url} {contract}"))
        .await
        .expect(0);
    let listening = format!("receiving OTLP (gRPC and HTTP) at http://{address}");
    assert!(run.err.contains(&listening), "{}", run.err);
    assert!(run.out.contains("contract satisfied"), "{}", run.out);
}

#[tokio::test]
async fn help_version_and_schema_are_printed() {
    for (arguments, expected) in [
        ("check --help", "Exit status: 0"),
        ("--version", "trace-contract "),
        ("schema", "draft/2020-12"),
    ] {
        let out = run(arguments).await.expect(0).out;
        assert!(out.contains(expected), "{arguments}: {out}");
    }
}
