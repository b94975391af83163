//! A process has one telemetry, so all tests share it and one receiver; each test
//! looks only at its own trace.

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
const TIMEOUT: Duration = Duration::from_secs(20);
/// Keeps tests short: after a trace satisfies its contract, only an undeclared span could arrive.
const SETTLE: Duration = Duration::from_millis(500);

/// Starts telemetry at the first call; what it exports is in the store.
pub(crate) fn store() -> Store {
    static STORE: OnceLock<Store> = OnceLock::new();
    STORE.get_or_init(start).clone()
}

/// The receiver has its own thread, because the runtime of each test ends with the test.
fn start() -> Store {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime can be created");
        runtime.block_on(async {
            let receiver = Receiver::bind("127.0.0.1:0").await.expect("a free port");
            sender
                .send((receiver.endpoint(), receiver.store()))
                .expect("the test waits for the address");
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
    // The message of a test that fails belongs to the output of that test.
    drop(std::panic::take_hook());
    // It runs until the process ends.
    std::mem::forget(telemetry);
    store
}

/// Serves a router on a free port for the rest of the test.
pub(crate) async fn serve(router: Router) -> SocketAddr {
    let _ = store();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it has an address");
    serve_on(listener, router);
    address
}

/// Serves a router on this listener for the rest of the test.
pub(crate) fn serve_on(listener: TcpListener, router: Router) {
    let _ = store();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
}

/// A caller that is not traced.
pub(crate) fn caller() -> reqwest::Client {
    trace_contract::http_client::builder()
        .user_agent("caller/1")
        .no_proxy()
        .build()
        .expect("a client can be created")
}

/// Sends a request in the caller's trace.
pub(crate) async fn get(url: &str, parent: &TraceParent) -> reqwest::Response {
    let request = caller().get(url).header("traceparent", parent.header());
    request.send().await.expect("the request must succeed")
}

/// Waits until the caller's trace matches the contract.
pub(crate) async fn assert_trace(caller: &TraceParent, contract: &str) -> Trace {
    let expectation = Expectation::continues(caller);
    assert_trace_as(caller.trace_id(), contract, &expectation).await
}

/// Waits until a trace matches the contract and the expectation.
pub(crate) async fn assert_trace_as(
    trace: TraceId,
    contract: &str,
    expectation: &Expectation,
) -> Trace {
    let contract = Contract::from_yaml(contract).expect("the contract is valid");
    let source = Source::from(store());
    let expectation = expectation.settle(SETTLE);
    verify(&source, trace, &contract, &expectation, TIMEOUT)
        .await
        .unwrap_or_else(|error| panic!("{error}"))
        .trace
}
