//! A failing Collector does not slow down requests, memory stays limited, and every span is
//! counted. Spans that the Collector can still accept are not lost.

mod certificates;
mod exporting;
mod failing;
mod protocols;
mod proxies;
mod secured;
mod tls;
mod wrong_endpoints;

use std::time::Duration;

use anyhow::{Context, Result};
use tests::assertions::{HELLO, ensure_complete};
use tests::load::{ExclusiveLoad, Until};
use tests::local::SystemConfig;
use tests::wait;
use trace_contract::{Behaviour, Receiver, Store};

use exporting::{Exporting, TIMEOUT};

const ROUNDS: usize = 4;
const MIB: u64 = 1024 * 1024;

/// A shutdown that uses all the time it has is then short enough for a test.
fn with_short_shutdown(config: SystemConfig) -> SystemConfig {
    config
        .all("DRAIN_TIMEOUT", "1s")
        .all("SHUTDOWN_TIMEOUT", "3s")
}

/// One system with a healthy Collector and four with a failing one. They take turns at the
/// load, so that whatever slows down the machine slows down all of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_failing_collector_slows_no_request_and_every_span_is_counted() -> Result<()> {
    let exclusive = ExclusiveLoad::acquire().await?;
    let config = SystemConfig::new;
    let short = || with_short_shutdown(SystemConfig::new());
    let unavailable = Behaviour::Reject {
        status: 503,
        retry_after: None,
    };
    let slow = Behaviour::Delay(Duration::from_secs(2));
    let mut healthy = Exporting::to("healthy", Behaviour::Accept, short()).await?;
    let mut refusing = Exporting::to_closed_port(short()).await?;
    let mut silent = Exporting::to("silent", Behaviour::Silent, short()).await?;
    let mut unavailable = Exporting::to("returning 503", unavailable, config()).await?;
    let mut slow = Exporting::to("slow by 2 s", slow, config()).await?;

    for _ in 0..ROUNDS {
        healthy.round().await?;
        for system in [&mut refusing, &mut silent, &mut unavailable, &mut slow] {
            system.round().await?;
        }
    }
    drop(exclusive);
    for system in [&refusing, &silent, &unavailable, &slow] {
        assert_not_slower(&healthy, system);
    }
    let receiver = unavailable.receiver.as_ref().context("no receiver")?;
    receiver.set_behaviour(Behaviour::Accept);
    tokio::try_join!(
        ensure_all_exported(&mut healthy),
        ensure_all_dropped(&mut refusing),
        ensure_all_dropped(&mut silent),
        async {
            unavailable.system.wait_until_exported(TIMEOUT).await?;
            ensure_all_exported(&mut unavailable).await
        },
        ensure_all_exported(&mut slow),
    )?;
    Ok(())
}

/// Three times the latency plus 25 ms can be noise. A request that waited for a failing
/// Collector would take at least 2 s.
fn assert_not_slower(healthy: &Exporting, system: &Exporting) {
    let limit = healthy.p99() * 3 + Duration::from_millis(25);
    let p99s = format!(
        "the p99s of the rounds are {:?} with a Collector that is {}, and {:?} with a healthy one",
        system.p99s(),
        system.collector,
        healthy.p99s()
    );
    println!("{p99s}");
    assert!(
        system.p99() <= limit,
        "a failing Collector must not slow down requests: {p99s}; the best may be {limit:?}"
    );
}

/// Every span must be exported before or during the shutdown.
async fn ensure_all_exported(system: &mut Exporting) -> Result<()> {
    let requests = system.succeeded();
    let before = system.counts(requests).await?;
    let after = system.shut_down(requests).await?;
    let collector = system.collector;
    for counts in before.iter().chain(&after) {
        assert_eq!(
            counts.lost(),
            0,
            "no span may be lost with a Collector that is {collector}: {counts}"
        );
    }
    for counts in &after {
        assert_eq!(
            counts.exported,
            counts.created(),
            "all spans must be exported to a Collector that is {collector}: {counts}"
        );
    }
    system.assert_all_received(requests)
}

/// No span can be exported; each must be counted as dropped by the shutdown.
async fn ensure_all_dropped(system: &mut Exporting) -> Result<()> {
    let requests = system.succeeded();
    for counts in system.counts(requests).await? {
        assert_eq!(
            (counts.queued, counts.exported, counts.lost()),
            (counts.created(), 0, 0),
            "all spans must be in the queue, which is large enough: {counts}"
        );
    }
    for counts in system.shut_down(requests).await? {
        assert_eq!(
            counts.dropped.get("shutdown_timeout"),
            Some(&counts.created()),
            "all spans must be dropped by the shutdown timeout: {counts}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_drops_and_counts_spans_and_its_memory_does_not_grow() -> Result<()> {
    /// Ten times what the queue and a batch hold, with hello's three spans per request.
    const REQUESTS: u64 = 2000;
    /// For buffers of connections, fragmentation, and the overhead of a debug build.
    const MAX_GROWTH: u64 = 4 * MIB;
    let exclusive = ExclusiveLoad::acquire().await?;
    let config = with_short_shutdown(SystemConfig::new())
        .all("OTEL_BSP_MAX_QUEUE_SIZE", "400")
        .all("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "200")
        .all("OTEL_EXPORTER_OTLP_TIMEOUT", "200")
        .all("OTEL_BSP_EXPORT_TIMEOUT", "500");
    let mut system = Exporting::to("silent", Behaviour::Silent, config).await?;
    let load = system.load()?;
    let warm_up = load.clone().until(Until::Requests(400)).run().await;
    system.assert_no_failure(&warm_up);
    let before = system.memory()?;

    let report = load.until(Until::Requests(REQUESTS)).run().await;
    drop(exclusive);
    system.assert_no_failure(&report);
    assert_growth(before, system.memory()?, MAX_GROWTH);
    let requests = warm_up.succeeded() + report.succeeded();
    for counts in system.counts(requests).await? {
        assert!(
            counts.queued <= 400 + 200,
            "at most the queue and one batch may be pending: {counts}"
        );
        for reason in ["queue_full", "export_timeout"] {
            assert!(
                counts.dropped.get(reason) > Some(&0),
                "spans must be dropped with the reason {reason}: {counts}"
            );
        }
    }
    for counts in system.shut_down(requests).await? {
        assert_eq!(
            (counts.exported, counts.lost()),
            (0, counts.created()),
            "all spans must be lost, because the Collector accepts none: {counts}"
        );
        assert!(
            counts.dropped.get("shutdown_timeout") <= Some(&600),
            "the shutdown can drop at most the queue and one batch: {counts}"
        );
    }
    Ok(())
}

/// Spans of 6 kB would need 50 MB; the pipeline must not use more than 24 MiB.
#[tokio::test(flavor = "multi_thread")]
async fn the_default_queue_uses_at_most_24_mib_however_large_the_spans_are() -> Result<()> {
    const REQUESTS: u64 = 4000;
    const PIPELINE: u64 = 24 * MIB;
    /// For connections with 6 kB of headers per request, on each of three hops.
    const OTHER: u64 = 8 * MIB;
    let exclusive = ExclusiveLoad::acquire().await?;
    let config = with_short_shutdown(SystemConfig::defaults()).gateway("EDGE_BAGGAGE", "tenant");
    let mut system = Exporting::to_closed_port(config).await?;
    let before = system.memory()?;
    let load = system
        .load()?
        .header("baggage", &format!("tenant={}", "x".repeat(6000)))
        .until(Until::Requests(REQUESTS));
    let report = load.run().await;
    drop(exclusive);
    system.assert_no_failure(&report);
    assert_growth(before, system.memory()?, PIPELINE + OTHER);
    let [gateway, hello] = system.counts(report.succeeded()).await?;
    for counts in [&gateway, &hello] {
        assert!(
            counts.dropped.get("queue_full") > Some(&0),
            "the queue must have been full, or this test proves nothing: {counts}"
        );
    }
    assert!(
        gateway.queued < 16_384 / 2,
        "the limit of bytes must be reached before the limit of spans: {gateway}"
    );
    for counts in system.shut_down(report.succeeded()).await? {
        assert_eq!(
            counts.lost(),
            counts.created(),
            "all spans must be lost, because no process listens: {counts}"
        );
    }
    Ok(())
}

fn assert_growth(before: [u64; 2], after: [u64; 2], limit: u64) {
    println!("resident memory of gateway and hello: {before:?} bytes, then {after:?}");
    for (service, before, after) in [
        ("gateway", before[0], after[0]),
        ("hello", before[1], after[1]),
    ] {
        assert!(
            after <= before + limit,
            "the memory of {service} may grow by {limit} bytes, but it grew from {before} to {after}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_the_collector_loses_no_span() -> Result<()> {
    let exclusive = ExclusiveLoad::acquire().await?;
    let mut system = Exporting::to("restarted", Behaviour::Accept, SystemConfig::new()).await?;
    let first = system.receiver.take().context("no receiver")?;
    let load = system.steady_load()?;
    let running = load.until(Until::Elapsed(Duration::from_secs(3))).start();
    running.wait_for(100, TIMEOUT).await?;
    let (address, before) = (first.address(), first.store());
    first.stop().await;
    for service in [&system.system.gateway, &system.system.hello] {
        let what = format!(
            "{} to log that the Collector is unreachable",
            service.name()
        );
        let matches = |line: &str| line.contains("the Collector cannot be reached");
        service
            .output()
            .wait_for_line(&what, TIMEOUT, matches)
            .await?;
    }
    let second = wait::until("the Collector's port", TIMEOUT, async || {
        Receiver::bind(address).await
    })
    .await?;
    second.store().keep(usize::MAX);
    let report = running.end().await;
    drop(exclusive);
    system.assert_no_failure(&report);
    system.system.wait_until_exported(TIMEOUT).await?;
    for counts in system.shut_down(report.succeeded()).await? {
        assert_eq!(
            counts.exported,
            counts.created(),
            "all spans must be exported: {counts}"
        );
    }
    let after = second.store();
    assert!(
        before.span_count() > 0 && after.span_count() > 0,
        "the Collector must receive spans before and after its restart"
    );
    let all = merged(&[before, after]);
    assert_eq!(
        all.span_count(),
        report.succeeded() * 8,
        "the Collector must receive all 8 spans of each request: {report}"
    );
    ensure_complete(&all, &report.traces, HELLO)
}

fn merged(stores: &[Store]) -> Store {
    let all = Store::new();
    all.keep(usize::MAX);
    for store in stores {
        let ids = store.trace_ids();
        for trace in ids.into_iter().filter_map(|id| store.trace(id)) {
            all.add(trace.spans().to_vec());
        }
    }
    all
}
