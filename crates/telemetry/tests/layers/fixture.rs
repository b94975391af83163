//! Telemetry is one a process, so all tests share it, with one receiver; each
//! test looks at its own trace alone.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::sync::mpsc;
use std::time::Duration;

use axum::Router;
use telemetry::{Config, ServiceInfo};
use tokio::net::TcpListener;
use trace_contract::{
    Contract, Expectation, Receiver, Source, Store, Trace, TraceId, TraceParent, verify,
};

/// How long a trace may take to arrive on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Starts telemetry at the first call; what it exports is in the store.
pub(crate) fn store() -> Store {
    static STORE: OnceLock<Store> = OnceLock::new();
    STORE.get_or_init(start).clone()
}

/// The receiver lives on a thread of its own: each test's runtime ends with it.
fn start() -> Store {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime can be made");
        runtime.block_on(async {
            let receiver = Receiver::bind("127.0.0.1:0").await.expect("a free port");
            sender
                .send((receiver.endpoint(), receiver.store()))
                .expect("the test waits for it");
            std::future::pending::<()>().await;
        });
    });
    let (endpoint, store) = receiver.recv().expect("the receiver must start");
    let service = ServiceInfo {
        name: "app",
        version: "1.2.3",
    };
    let settings = Config::from_vars(service, |name| match name {
        "OTEL_EXPORTER_OTLP_ENDPOINT" => Some(endpoint.clone().into()),
        "OTEL_BSP_SCHEDULE_DELAY" => Some("20".into()),
        _ => None,
    })
    .expect("a test's settings are good");
    let telemetry = telemetry::init(&settings).expect("telemetry must start");
    // It runs until the process ends.
    std::mem::forget(telemetry);
    store
}

/// Serves a router on a free port for the rest of the test.
pub(crate) async fn serve(router: Router) -> SocketAddr {
    let _ = store();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it has an address");
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

/// A caller without any tracing of its own.
pub(crate) fn caller() -> reqwest::Client {
    reqwest::Client::builder()
        .user_agent("caller/1")
        .build()
        .expect("a client can be made")
}

/// A caller's request with a trace of its own.
pub(crate) async fn ask(url: &str, parent: &TraceParent) -> reqwest::Response {
    let request = caller().get(url).header("traceparent", parent.header());
    request.send().await.expect("the request must be answered")
}

/// Waits until the caller's trace is what the contract says.
pub(crate) async fn assert_trace(caller: &TraceParent, contract: &str) -> Trace {
    let expectation = Expectation::continues(caller);
    assert_trace_as(caller.trace_id(), contract, &expectation).await
}

/// Waits until a trace is what the contract and the expectation say.
pub(crate) async fn assert_trace_as(
    trace: TraceId,
    contract: &str,
    expectation: &Expectation,
) -> Trace {
    let contract = Contract::from_yaml(contract).expect("a test's contract is good");
    let source = Source::from(store());
    verify(&source, trace, &contract, expectation, PATIENCE)
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}
