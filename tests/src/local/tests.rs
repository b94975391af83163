//! Tests of the local system: it starts, exports, exits, and reports why it cannot start.

use std::process::ExitStatus;
use std::time::Duration;

use trace_contract::Receiver;

use super::{System, SystemConfig};
use crate::load::{Load, Until};

const TIMEOUT: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_system_responds_exports_and_exits() {
    let receiver = Receiver::bind("127.0.0.1:0").await.unwrap();
    let config = SystemConfig::new().export_to(receiver.endpoint());
    let mut system = System::start(config).await.unwrap();
    let load = Load::get(&system.url("/hello")).unwrap();
    let report = load.until(Until::Requests(20)).connections(2).run().await;
    assert_eq!(report.succeeded(), 20, "{report}\n{}", system.report());

    system.wait_until_exported(TIMEOUT).await.unwrap();
    for (service, spans) in [(&system.gateway, 5), (&system.hello, 3)] {
        let counts = service.spans().await.unwrap();
        assert!(counts.adds_up(), "{}: {counts}", service.name());
        assert_eq!(counts.exported, 20 * spans, "{}: {counts}", service.name());
    }
    assert_eq!(receiver.store().span_count(), 20 * 8);

    let exits = system.terminate().await.unwrap();
    assert!(exits.iter().all(ExitStatus::success), "{exits:?}");
    let counts = system.gateway.final_counts().unwrap();
    assert_eq!(counts.exported, 20 * 5, "the gateway's last line: {counts}");
}

#[tokio::test]
async fn a_service_that_cannot_start_is_reported_with_its_reason() {
    let config = SystemConfig::new().gateway("EDGE_TRACE", "perhaps");
    let error = System::start(config).await.unwrap_err();
    let error = format!("{error:#}");
    assert!(error.contains("gateway exited unexpectedly"), "{error}");
    assert!(error.contains("continue or link"), "{error}");
}
