//! Certificates that the real Collector or the services reject, and their rotation.

use std::time::Duration;

use anyhow::{Context, Result};
use tests::assertions::shut_down;
use tests::load::{ExclusiveLoad, Load, Pace, Until};
use tests::local::System;
use tests::wait;

use crate::certificates::{Certificates, Fault};
use crate::exporting::TIMEOUT;
use crate::failing::ensure_all_spans_fail;
use crate::secured::{Secured, Security};

const PROTOCOLS: [&str; 2] = ["http/protobuf", "grpc"];
#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_certificate_is_reported_with_its_cause_and_its_variable() -> Result<()> {
    let Some(secured) = Secured::start(Security::Mtls).await? else {
        return Ok(());
    };
    let other = Certificates::new()?;
    let file = |certificates: &Certificates, name| certificates.path(name).display().to_string();
    for protocol in PROTOCOLS {
        let config = || secured.config(protocol);
        let wrong_authority =
            config().all("OTEL_EXPORTER_OTLP_CERTIFICATE", file(&other, "ca.pem"));
        let hint = "the server's certificate is not signed by a trusted authority \
                    (OTEL_EXPORTER_OTLP_CERTIFICATE)";
        ensure_all_spans_fail(protocol, wrong_authority, hint).await?;

        let wrong_client = config()
            .all(
                "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
                file(&other, "client.pem"),
            )
            .all(
                "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
                file(&other, "client.key"),
            );
        let hint = "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE";
        ensure_all_spans_fail(protocol, wrong_client, hint).await?;

        let without_client = config()
            .all("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "")
            .all("OTEL_EXPORTER_OTLP_CLIENT_KEY", "");
        let hint = "require a client certificate: set OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE";
        ensure_all_spans_fail(protocol, without_client, hint).await?;
    }
    for (fault, hint) in [
        (Fault::Expired, "the server's certificate has expired"),
        (
            Fault::WrongName,
            "the server's certificate is for another name",
        ),
    ] {
        let Some(secured) = Secured::with_fault(Security::Mtls, Some(fault)).await? else {
            return Ok(());
        };
        for protocol in PROTOCOLS {
            let hint = format!("{hint} (OTEL_EXPORTER_OTLP_ENDPOINT)");
            ensure_all_spans_fail(protocol, secured.config(protocol), &hint).await?;
        }
    }
    Ok(())
}

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
                secured.certificates.replace(None)?;
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
