//! The command as it is run: what it prints, and its exit statuses.

#![cfg(feature = "cli")]

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::Command;
use trace_contract::{SpanId, TraceParent};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

const TRACE: &str = include_str!("data/jaeger-trace.json");
const ID: &str = "5b8efff798038103d269b633813fc60c";
const NOT_FOUND: &str = r#"{"error":{"httpCode":404,"message":"No traces found"}}"#;
const CONTRACT: &str = "
service: gateway
kind: server
name: GET /hello
attributes: {http.response.status_code: 200}
children: [{service: gateway, kind: internal, name: hello, status: ok, more: true}]
";

struct Run {
    status: i32,
    out: String,
    err: String,
}

/// Runs the command with nothing of our environment that it reads.
async fn run(arguments: &[&str]) -> Run {
    let run = Command::new(env!("CARGO_BIN_EXE_trace-contract"))
        .args(arguments)
        .env_remove("JAEGER_URL")
        .env_remove("TRACE_CONTRACT_URL")
        .env_remove("TRACE_CONTRACT_TIMEOUT")
        .env_remove("COLUMNS")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(Duration::from_mins(1), run)
        .await
        .expect("the command ends within a minute")
        .expect("the command runs");
    Run {
        status: output.status.code().expect("an exit status"),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        err: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

impl Run {
    #[track_caller]
    fn expect(self, status: i32) -> Self {
        let Self { out, err, .. } = &self;
        assert_eq!(
            self.status, status,
            "standard output:\n{out}\nstandard error:\n{err}"
        );
        self
    }
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn file(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).expect("a file");
        self.name(name)
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::join(self.0.path(), name)
    }

    fn name(&self, name: &str) -> String {
        self.path(name).to_str().expect("UTF-8").to_owned()
    }
}

/// A service that answers `GET /hello`, and a Jaeger that has its trace as the
/// recorded one, with the ids of whoever asked.
async fn system() -> (MockServer, MockServer) {
    let service = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/hello"))
        .respond_with(ResponseTemplate::new(200).set_body_string("Hello, World!"))
        .mount(&service)
        .await;
    let jaeger = MockServer::start().await;
    let requests = std::sync::Arc::new(std::sync::Mutex::new(None));
    let seen = std::sync::Arc::clone(&requests);
    Mock::given(path("/hello"))
        .and(header("x-check", "1"))
        .respond_with(move |request: &Request| {
            let sent = request.headers["traceparent"].to_str().expect("text");
            *seen.lock().expect("no panic") = sent.parse::<TraceParent>().ok();
            ResponseTemplate::new(200)
        })
        .with_priority(1)
        .mount(&service)
        .await;
    Mock::given(method("GET"))
        .respond_with(
            move |asked: &Request| match *requests.lock().expect("no panic") {
                Some(caller) if asked.url.path().ends_with(&caller.trace_id().to_string()) => {
                    let trace = TRACE
                        .replace(ID, &caller.trace_id().to_string())
                        .replace("00f067aa0ba902b7", &caller.span_id().to_string());
                    ResponseTemplate::new(200).set_body_raw(trace, "text/plain")
                }
                _ => ResponseTemplate::new(404).set_body_raw(NOT_FOUND, "text/plain"),
            },
        )
        .mount(&jaeger)
        .await;
    (service, jaeger)
}

#[tokio::test]
async fn a_request_is_sent_and_its_trace_satisfies_the_contract() {
    let (service, jaeger) = system().await;
    let folder = Folder::new();
    let contract = folder.file("hello.yaml", CONTRACT);
    let url = format!("{}/hello?token=secret", service.uri());
    let run = run(&[
        "check",
        "--jaeger",
        &jaeger.uri(),
        "--url",
        &url,
        "-H",
        "X-Check: 1",
        "--expect-status",
        "200",
        &contract,
    ])
    .await
    .expect(0);
    assert!(run.out.contains("/hello?…: 200 OK"), "{}", run.out);
    assert!(
        run.out.contains(&format!("contract satisfied: {contract}")),
        "{}",
        run.out
    );
    assert!(
        run.out.contains("gateway SERVER GET /hello  "),
        "the waterfall: {}",
        run.out
    );
    assert!(
        !run.out.contains("secret") && !run.err.contains("secret"),
        "{}",
        run.out
    );
    let sent = service.received_requests().await.expect("recorded");
    assert_eq!(sent.len(), 1, "one request is sent");
}

#[tokio::test]
async fn a_trace_that_differs_is_status_1_with_the_report() {
    let (service, jaeger) = system().await;
    let folder = Folder::new();
    let contract = folder.file("hello.yaml", &CONTRACT.replace("200", "\"200\""));
    let url = format!("{}/hello", service.uri());
    let run = run(&[
        "check",
        "--jaeger",
        &jaeger.uri(),
        "--url",
        &url,
        "-H",
        "X-Check: 1",
        "--timeout",
        "1s",
        &contract,
    ])
    .await
    .expect(1);
    let expected = format!(
        "{contract}: attribute http.response.status_code of gateway SERVER GET /hello: \
         expected string \"200\", got int 200\n"
    );
    assert!(run.out.contains(&expected), "{}", run.out);
    assert!(run.out.contains("| what came"), "{}", run.out);
}

#[tokio::test]
async fn a_trace_that_never_comes_is_status_1_with_a_hint() {
    let (service, jaeger) = system().await;
    let folder = Folder::new();
    let contract = folder.file("hello.yaml", CONTRACT);
    let url = format!("{}/hello", service.uri());
    let run = run(&[
        "check",
        "--jaeger",
        &jaeger.uri(),
        "--url",
        &url,
        "--timeout",
        "300ms",
        &contract,
    ])
    .await
    .expect(1);
    assert!(run.out.contains("no span of trace"), "{}", run.out);
    assert!(
        run.out
            .contains("hint: does the service take up traceparent"),
        "{}",
        run.out
    );
}

#[tokio::test]
async fn another_status_than_expected_is_status_1() {
    let (service, jaeger) = system().await;
    let folder = Folder::new();
    let contract = folder.file("hello.yaml", CONTRACT);
    let url = format!("{}/hello", service.uri());
    let run = run(&[
        "check",
        "--jaeger",
        &jaeger.uri(),
        "--url",
        &url,
        "-H",
        "X-Check: 1",
        "--expect-status",
        "404",
        &contract,
    ])
    .await
    .expect(1);
    assert!(run.out.contains("expected 404, got 200 OK"), "{}", run.out);
}

#[tokio::test]
async fn what_cannot_be_checked_is_status_2_and_says_why() {
    let (service, jaeger) = system().await;
    let folder = Folder::new();
    let contract = folder.file("hello.yaml", CONTRACT);
    let bad = folder.file("bad.yaml", "service: a\nkind: sever\nname: b\n");
    let url = format!("{}/hello", service.uri());
    let nowhere = "http://127.0.0.1:1";
    let cases: [(&[&str], &str); 8] = [
        (&["check", "--url", &url, &contract], "give --jaeger URL"),
        (&["check", "--jaeger", nowhere, &contract], "give --url"),
        (
            &[
                "check",
                "--jaeger",
                nowhere,
                "--url",
                &url,
                "--timeout",
                "200ms",
                &contract,
            ],
            "cannot reach Jaeger at http://127.0.0.1:1/",
        ),
        (
            &[
                "check",
                "--jaeger",
                &jaeger.uri(),
                "--url",
                nowhere,
                &contract,
            ],
            "Is the service running there?",
        ),
        (
            &["check", "--jaeger", &jaeger.uri(), "--url", &url, &bad],
            "did you mean `server`?",
        ),
        (
            &[
                "check",
                "--jaeger",
                &service.uri(),
                "--url",
                &url,
                "no-such.yaml",
            ],
            "no-such.yaml: cannot be read",
        ),
        (
            &["check", "--jaeger", &jaeger.uri(), "--url", &url],
            "<CONTRACT>",
        ),
        (
            &[
                "check",
                "--jaeger",
                &jaeger.uri(),
                "--url",
                &url,
                "--timeout",
                "soon",
                &contract,
            ],
            "--timeout",
        ),
    ];
    for (arguments, told) in cases {
        let run = run(arguments).await.expect(2);
        assert!(run.err.contains(told), "{arguments:?}: {}", run.err);
        assert!(!run.out.contains("satisfied"), "{arguments:?}: {}", run.out);
    }
}

#[tokio::test]
async fn a_recorded_contract_is_satisfied_and_never_written_over() {
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
async fn a_file_of_several_traces_needs_the_id_of_one() {
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
async fn spans_are_received_where_there_is_no_jaeger() {
    let folder = Folder::new();
    let contract = folder.file("hello.yaml", CONTRACT);
    // A port that was free a moment ago: the service must know it beforehand.
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
async fn a_trace_of_the_services_own_is_found_by_its_traceresponse() {
    let service = MockServer::start().await;
    Mock::given(path("/hello"))
        .respond_with(ResponseTemplate::new(200).insert_header(
            "traceresponse",
            format!("00-{ID}-eee19b7ec3c1b171-01").as_str(),
        ))
        .mount(&service)
        .await;
    let jaeger = MockServer::start().await;
    let rooted = TRACE.replace(r#""parentSpanId":"00f067aa0ba902b7","#, "");
    Mock::given(path(format!("/api/v3/traces/{ID}")))
        .respond_with(ResponseTemplate::new(200).set_body_raw(rooted, "text/plain"))
        .mount(&jaeger)
        .await;
    let folder = Folder::new();
    let contract = folder.file("hello.yaml", CONTRACT);
    let url = format!("{}/hello", service.uri());
    run(&[
        "check",
        "--jaeger",
        &jaeger.uri(),
        "--url",
        &url,
        "--new-trace",
        &contract,
    ])
    .await
    .expect(0);
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
