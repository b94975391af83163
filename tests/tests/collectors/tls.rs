//! The rotation of certificates.

use std::time::Duration;

use anyhow::{Context, Result};
use tests::assertions::shut_down;
use tests::load::{ExclusiveLoad, Load, Pace, Until};
use tests::local::System;
use tests::wait;

use crate::exporting::TIMEOUT;
use crate::secured::{Secured, Security};

const PROTOCOLS: [&str; 2] = ["http/protobuf", "grpc"];

/// All files are replaced by those of a new authority, three times during a steady load.
#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_rotated_under_load_and_no_span_is_lost() -> Result<()> {
    const ROUND: Duration = Duration::from_secs(1);
    let exclusive = ExclusiveLoad::acquire().await?;
    for protocol in PROTOCOLS {
        let Some(secured) = Secured::start(Security::Mtls).await? else {
            return Ok(());
        };
        // Connections last a part of a round, so that each round makes new ones.
        let config = secured.config(protocol);
        let config = config.all("TELEMETRY_CONNECTION_MAX_AGE", "200ms");
        let mut system = System::start(config).await?;
        let load = Load::get(&system.url("/hello"))?.connections(4);
        let load = load.pace(Pace::PerSecond(100.0));
        let (report, rotated) = tokio::join!(load.until(Until::Elapsed(4 * ROUND)).run(), async {
            for _ in 0..3 {
                tokio::time::sleep(ROUND).await;
                secured.certificates.replace()?;
            }
            anyhow::Ok(())
        });
        rotated?;
        assert_eq!(report.failed(), 0, "{report}\n{}", system.report());
        // Only connections with the last certificates can export the last spans.
        let exported = system.wait_until_exported(TIMEOUT).await;
        exported.with_context(|| {
            let (services, collector) = (system.report(), secured.collector.report());
            format!("{protocol}\n{services}\n{collector}")
        })?;
        for counts in shut_down(&mut system).await? {
            assert_eq!(
                (counts.exported, counts.lost()),
                (counts.created(), 0),
                "{protocol}: no span may be lost: {counts}"
            );
        }
        let expected = report.succeeded() * 8;
        let store = secured.receiver.store();
        wait::until(
            "the Collector to pass on all spans",
            TIMEOUT,
            async || match store.span_count() {
                spans if spans == expected => Ok(()),
                spans => Err(format!("{spans} of {expected} spans")),
            },
        )
        .await?;
        assert_eq!(store.duplicates(), 0, "{protocol}: no span is sent twice");
    }
    drop(exclusive);
    Ok(())
}
