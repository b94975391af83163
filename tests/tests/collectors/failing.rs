//! Exports that fail for a reason that the log must name.

use anyhow::Result;
use tests::assertions::shut_down;
use tests::local::{System, SystemConfig};
use tests::wait;
use trace_contract::Request;

use crate::exporting::TIMEOUT;

const SECRET: &str = "s3cret-token";

/// Both services must log the hint and no secret, and count their spans as dropped.
pub(crate) async fn ensure_all_spans_fail(
    protocol: &str,
    config: SystemConfig,
    hint: &str,
) -> Result<()> {
    let config = config
        .all(
            "OTEL_EXPORTER_OTLP_HEADERS",
            format!("authorization={SECRET}"),
        )
        .all("DRAIN_TIMEOUT", "1s")
        .all("SHUTDOWN_TIMEOUT", "3s");
    let mut system = System::start(config).await?;
    Request::get(&system.url("/hello"))?.send().await?;
    for service in system.all() {
        let what = format!("{} to log {hint:?} for {protocol}", service.name());
        wait::until(&what, TIMEOUT, async || {
            let log = service.output().report();
            if log.contains(hint) { Ok(()) } else { Err(log) }
        })
        .await?;
    }
    for counts in shut_down(&mut system).await? {
        assert_eq!(
            counts.lost(),
            counts.created(),
            "{protocol}, {hint}: {counts}"
        );
    }
    for service in system.all() {
        let log = service.output().report();
        for secret in [SECRET, "PRIVATE KEY"] {
            assert!(
                !log.contains(secret),
                "no log may contain {secret:?}:\n{log}"
            );
        }
    }
    Ok(())
}
