//! The real Collector over each protocol, without TLS, with TLS and with mutual TLS.

use anyhow::{Context, Result};
use tests::assertions::shut_down;
use tests::contracts;
use tests::load::{Load, Until};
use tests::local::{System, SystemConfig};
use tests::wait;
use trace_contract::{Expectation, Request, Source};

use crate::exporting::TIMEOUT;
use crate::failing::ensure_all_spans_fail;
use crate::secured::{PROTOCOLS, Secured, Security};

#[tokio::test(flavor = "multi_thread")]
async fn every_protocol_exports_complete_traces_and_the_counts_are_exact() -> Result<()> {
    check_protocols(Security::Plain).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_protocol_works_over_tls_and_the_counts_are_exact() -> Result<()> {
    check_protocols(Security::Tls).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_protocol_works_over_mutual_tls_and_the_counts_are_exact() -> Result<()> {
    check_protocols(Security::Mtls).await
}

/// Sends requests with each protocol, without and with compression.
async fn check_protocols(security: Security) -> Result<()> {
    let Some(secured) = Secured::start(security).await? else {
        return Ok(());
    };
    for protocol in PROTOCOLS {
        for compression in ["none", "gzip"] {
            let config = secured.config(protocol);
            let config = config.all("OTEL_EXPORTER_OTLP_COMPRESSION", compression);
            let checked = check(&secured, config).await;
            checked.with_context(|| format!("{protocol}, {security:?}, {compression}"))?;
        }
    }
    Ok(())
}

/// A trace must satisfy its contract, and each span must be received once.
async fn check(secured: &Secured, config: SystemConfig) -> Result<()> {
    const REQUESTS: u64 = 20;
    let before = secured.receiver.store().span_count();
    let mut system = System::start(config).await?;
    let load = Load::get(&system.url("/hello"))?.until(Until::Requests(REQUESTS));
    let report = load.run().await;
    assert_eq!(
        report.succeeded(),
        REQUESTS,
        "{report}\n{}",
        system.report()
    );
    let request = Request::get(&system.url("/hello"))?;
    request.send().await?;
    let expectation = Expectation::continues(request.traceparent());
    let id = request.traceparent().trace_id();
    let source = Source::from(secured.receiver.store());
    contracts::ensure_satisfied(&source, id, "hello", &expectation, &system)
        .await
        .with_context(|| secured.collector.report())?;

    for counts in shut_down(&mut system).await? {
        assert_eq!(
            counts.exported,
            counts.created(),
            "all spans must be exported: {counts}\n{}",
            system.report()
        );
    }
    let expected = (REQUESTS + 1) * 8;
    wait::until("all spans to be received", TIMEOUT, async || {
        match secured.receiver.store().span_count() - before {
            spans if spans == expected => Ok(()),
            spans => Err(format!("{spans} of {expected} spans")),
        }
    })
    .await?;
    assert_eq!(
        secured.receiver.store().duplicates(),
        0,
        "no span is sent twice"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_port_of_a_collector_is_reported_with_the_right_protocol() -> Result<()> {
    let Some(secured) = Secured::start(Security::Plain).await? else {
        return Ok(());
    };
    let (http, grpc) = (secured.collector.http_port(), secured.collector.grpc_port());
    for (protocol, port, hint) in [
        ("http/protobuf", grpc, "this looks like a gRPC port"),
        ("http/json", grpc, "this looks like a gRPC port"),
        ("grpc", http, "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"),
    ] {
        let config = SystemConfig::new()
            .export_to(format!("http://127.0.0.1:{port}"))
            .all("OTEL_EXPORTER_OTLP_PROTOCOL", protocol);
        ensure_all_spans_fail(protocol, config, hint).await?;
    }
    Ok(())
}
