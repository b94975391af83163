//! Runs the command, and a system with a service and a Jaeger.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::Command;
use trace_contract::TraceParent;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

pub(crate) const TRACE: &str = include_str!("../data/jaeger-trace.json");
pub(crate) const ID: &str = "5b8efff798038103d269b633813fc60c";
pub(crate) const NOT_FOUND: &str = r#"{"error":{"httpCode":404,"message":"No traces found"}}"#;
pub(crate) const CONTRACT: &str = "
service: gateway
kind: server
name: GET /hello
attributes: {http.response.status_code: 200}
children: [{service: gateway, kind: internal, name: hello, status: ok, more: true}]
";

pub(crate) struct Run {
    status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs the command with arguments that are separated by spaces, and without the
/// environment variables that it reads. Traces settle in 500 ms.
pub(crate) async fn run(arguments: &str) -> Run {
    let run = Command::new(env!("CARGO_BIN_EXE_trace-contract"))
        .args(arguments.split_whitespace())
        .env_remove("JAEGER_URL")
        .env_remove("TRACE_CONTRACT_URL")
        .env_remove("TRACE_CONTRACT_TIMEOUT")
        .env("TRACE_CONTRACT_SETTLE", "500ms")
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
    pub(crate) fn expect(self, status: i32) -> Self {
        let Self { out, err, .. } = &self;
        assert_eq!(
            self.status, status,
            "standard output:\n{out}\nstandard error:\n{err}"
        );
        self
    }
}

pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).expect("a file");
        self.name(name)
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::join(self.0.path(), name)
    }

    pub(crate) fn name(&self, name: &str) -> String {
        self.path(name).to_str().expect("UTF-8").to_owned()
    }
}

/// A service with `GET /hello`, and a Jaeger that returns the recorded trace with the
/// ids of the last request.
pub(crate) async fn system() -> (MockServer, MockServer) {
    let service = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/hello"))
        .respond_with(ResponseTemplate::new(200).set_body_string("Hello, World!"))
        .mount(&service)
        .await;
    let jaeger = MockServer::start().await;
    let requests = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&requests);
    Mock::given(path("/hello"))
        .and(header("x-check", "1"))
        .respond_with(move |request: &Request| {
            let sent = request.headers["traceparent"].to_str().expect("text");
            *seen.lock().expect("no panic") = sent.parse::<TraceParent>().ok();
            ResponseTemplate::new(200)
        })
        .with_priority(2)
        .mount(&service)
        .await;
    Mock::given(method("GET"))
        .respond_with(
            move |query: &Request| match *requests.lock().expect("no panic") {
                Some(caller) if query.url.path().ends_with(&caller.trace_id().to_string()) => {
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
