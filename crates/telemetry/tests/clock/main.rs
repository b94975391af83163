//! The times of spans while the wall clock is set.
//!
//! The test runs itself again in a process whose wall clock it can set, with a library
//! that replaces the C library's clock (`wall_clock.rs`).

use std::borrow::Cow;
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use telemetry::http::{ClientConfig, ServerLayer};
use telemetry::testing::{FinishedSpans, SpanData};
use telemetry::{EndpointError, EndpointLayer};
use tokio::time::sleep;
use tower::{Layer, ServiceExt, service_fn};
use tracing::Instrument;

/// The file with the step in seconds, in the process with the replaced clock.
const STEP: &str = "WALL_CLOCK_STEP";
/// How long each piece of work lasts at least.
const WORK: Duration = Duration::from_millis(20);
/// More than a test lasts on a busy machine, and less than a step.
const TOO_LONG: Duration = Duration::from_mins(10);

#[test]
fn a_step_of_the_wall_clock_changes_no_duration_and_no_order_of_spans() {
    if std::env::var_os(STEP).is_none() {
        return run_again_with_a_replaced_clock();
    }
    let before = SystemTime::now();
    set_clock(3600);
    assert!(
        SystemTime::now() > before + TOO_LONG,
        "the clock of this process must be replaced"
    );
    let spans = telemetry::testing::init();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be created");
    runtime.block_on(async {
        let address = serve(callee()).await;
        for step in [3600, -3600] {
            for (case, names) in CASES {
                set_clock(0);
                run(case, step, address).await;
                check(&spans, &format!("{case}, a step of {step} s"), names);
            }
        }
    });
}

/// What is done, and the spans that it makes, in the order of their ends.
const CASES: [(&str, &[&str]); 4] = [
    (
        "a request",
        &["instrumented", "GET", "spawned", "endpoint", "GET /work"],
    ),
    ("a trace of #[instrument]", &["instrumented", "GET", "root"]),
    (
        "a span that is entered later",
        &["instrumented", "GET", "late"],
    ),
    ("a call outside of a trace", &["GET"]),
];

async fn run(case: &str, step: i64, address: SocketAddr) {
    match case {
        "a request" => {
            let routes = Router::new().route("/work", get(move || request(step, address)));
            let service = routes.layer(ServerLayer::internal());
            let request = Request::get("/work").body(Body::empty());
            let request = request.expect("the request is valid");
            let response = service.oneshot(request).await;
            assert_eq!(response.map(|it| it.status()), Ok(StatusCode::OK));
        }
        "a trace of #[instrument]" => root(step, address).await,
        "a span that is entered later" => {
            let late = tracing::info_span!("late");
            sleep(WORK).await;
            set_clock(step);
            work(step, address).instrument(late).await;
        }
        _ => call(step, address).await,
    }
}

async fn request(step: i64, address: SocketAddr) {
    let endpoint = service_fn(move |()| async move {
        work(step, address).await;
        telemetry::spawn(spawned()).await.expect("no panic");
        Ok::<_, Failure>(())
    });
    let done = EndpointLayer::new("endpoint").layer(endpoint).oneshot(());
    done.await.expect("the endpoint never fails");
    sleep(WORK).await;
}

#[tracing::instrument(skip_all)]
async fn root(step: i64, address: SocketAddr) {
    work(step, address).await;
}

/// Sets the clock within a span, and again during a call.
async fn work(step: i64, address: SocketAddr) {
    instrumented(step).await;
    call(0, address).await;
}

#[tracing::instrument(skip_all)]
async fn instrumented(step: i64) {
    tracing::info!("first");
    sleep(WORK).await;
    set_clock(step);
    sleep(WORK).await;
    tracing::info!("second");
}

#[tracing::instrument]
async fn spawned() {
    tracing::info!("first");
    sleep(WORK).await;
    tracing::info!("second");
}

async fn call(step: i64, address: SocketAddr) {
    let client = telemetry::http::client(&ClientConfig::default()).expect("a client");
    let called = client.get(format!("http://{address}/{step}")).send().await;
    assert_eq!(called.map(|it| it.status()).ok(), Some(StatusCode::OK));
}

/// Sets the clock before it responds.
fn callee() -> Router {
    let set = |step: axum::extract::Path<i64>| async move {
        sleep(WORK).await;
        set_clock(*step);
        sleep(WORK).await;
    };
    Router::new().route("/{step}", get(set))
}

async fn serve(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a free port");
    let address = listener.local_addr().expect("it has an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

#[derive(Debug, thiserror::Error)]
#[error("it never fails")]
struct Failure;

impl EndpointError for Failure {
    fn error_type(&self) -> Cow<'static, str> {
        "never".into()
    }
}

/// Checks the spans of the last trace.
fn check(spans: &FinishedSpans, case: &str, names: &[&str]) {
    let all = spans.all();
    let last = all.last().expect("there are spans");
    let trace = spans.of_trace(last.span_context.trace_id());
    let actual: Vec<&str> = trace.iter().map(|span| span.name.as_ref()).collect();
    assert_eq!(actual, names, "{case}: the spans of the trace");
    let started_by_wall_clock = trace.last().expect("it has spans").start_time;
    set_clock(0);
    let age = SystemTime::now().duration_since(started_by_wall_clock);
    assert!(
        age.is_ok_and(|age| age < TOO_LONG),
        "{case}: the trace must start at the wall clock's time"
    );
    for span in &trace {
        let name = &span.name;
        let duration = span.end_time.duration_since(span.start_time);
        assert!(
            duration
                .as_ref()
                .is_ok_and(|it| (WORK..TOO_LONG).contains(it)),
            "{case}: {name} lasts {duration:?}"
        );
        check_events(span, case);
        for child in &trace {
            if child.parent_span_id == span.span_context.span_id() {
                assert!(
                    span.start_time <= child.start_time && child.end_time <= span.end_time,
                    "{case}: {} must lie within {name}: {child:?} in {span:?}",
                    child.name
                );
            }
        }
    }
}

fn check_events(span: &SpanData, case: &str) {
    let times: Vec<SystemTime> = span.events.iter().map(|event| event.timestamp).collect();
    if let [first, second] = times.as_slice() {
        assert!(
            second.duration_since(*first).is_ok_and(|it| it >= WORK),
            "{case}: the events of {} must keep their distance: {times:?}",
            span.name
        );
    }
    assert!(
        times
            .iter()
            .all(|time| (span.start_time..=span.end_time).contains(time)),
        "{case}: the events of {} must lie within it: {span:?}",
        span.name
    );
}

/// Sets the clock of this process to that of the machine plus this many seconds.
fn set_clock(seconds: i64) {
    let file = std::env::var_os(STEP).expect("this process has a replaced clock");
    // A reader must not see an empty file.
    let new = std::path::Path::new(&file).with_extension("new");
    std::fs::write(&new, seconds.to_string()).expect("the step can be written");
    std::fs::rename(new, file).expect("the step can be set");
}

fn run_again_with_a_replaced_clock() {
    let directory = tempfile::tempdir().expect("a directory for the replaced clock");
    let library = directory.path().join("libwall_clock.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clock/wall_clock.rs");
    let compiled = Command::new("rustc")
        .args(["--edition=2024", "--crate-type=cdylib", "-o"])
        .arg(&library)
        .arg(source)
        .status()
        .expect("rustc must run");
    assert!(compiled.success(), "the replaced clock must compile");
    let output = Command::new(std::env::current_exe().expect("this test has a path"))
        .arg("--nocapture")
        .env("LD_PRELOAD", &library)
        .env(STEP, directory.path().join("step"))
        .output()
        .expect("this test must run again");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
