//! The local system itself: it starts, tells of itself, and leaves nothing behind.

use std::process::ExitStatus;
use std::time::Duration;

use trace_contract::Receiver;

use super::{System, SystemSettings};
use crate::load::{Load, Until};

const BOUND: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_system_answers_exports_and_ends() {
    let receiver = Receiver::bind("127.0.0.1:0").await.unwrap();
    let settings = SystemSettings::new().export_to(receiver.endpoint());
    let mut system = System::start(settings).await.unwrap();
    let load = Load::get(&system.url("/hello")).unwrap();
    let report = load.until(Until::Requests(20)).connections(2).run().await;
    assert_eq!(report.answered(), 20, "{report}\n{}", system.report());

    system.wait_until_exported(BOUND).await.unwrap();
    let (gateway, hello) = (
        system.gateway.spans().await.unwrap(),
        system.hello.spans().await.unwrap(),
    );
    assert!(gateway.is_exact() && hello.is_exact(), "{gateway}; {hello}");
    assert_eq!(
        gateway.exported,
        20 * 5,
        "the gateway has five of eight spans"
    );
    assert_eq!(hello.exported, 20 * 3, "hello has three of eight spans");
    assert_eq!(receiver.store().span_count(), 20 * 8);

    let ends = system.terminate().await.unwrap();
    assert!(ends.iter().all(ExitStatus::success), "{ends:?}");
    let last = system
        .gateway
        .log()
        .pop()
        .expect("the gateway logs its end");
    assert_eq!(last["message"], "telemetry ended", "{last}");
}

#[tokio::test]
async fn a_service_that_cannot_start_is_shown_with_its_reason() {
    let settings = SystemSettings::new().gateway("EDGE_TRACE", "perhaps");
    let error = System::start(settings).await.unwrap_err();
    let error = format!("{error:#}");
    assert!(error.contains("gateway ended by itself"), "{error}");
    assert!(error.contains("must be continue or link"), "{error}");
}

#[tokio::test]
async fn a_service_that_was_killed_starts_again_on_its_ports() {
    let mut system = System::start(SystemSettings::new()).await.unwrap();
    let url = system.hello.url();
    system.hello.kill().await.unwrap();
    let broken = reqwest::get(system.url("/hello")).await.unwrap();
    assert!(
        broken.status().is_server_error(),
        "hello is down: {broken:?}"
    );
    system.hello.start_again().await.unwrap();
    assert_eq!(system.hello.url(), url);
    let whole = reqwest::get(system.url("/hello")).await.unwrap();
    assert_eq!(whole.text().await.unwrap(), "Hello, World!");
}
