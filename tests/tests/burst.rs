//! With the default settings no span is lost: at a constant rate, in a burst that keeps every
//! core busy, and with a Collector that is far away.

use std::thread;
use std::time::Duration;

use anyhow::Result;
use tests::assertions::{HELLO, ensure_complete, shut_down};
use tests::load::{ExclusiveLoad, Load, Pace, Until};
use tests::local::{Service, SystemConfig};
use tests::traced_system::TracedSystem;
use trace_contract::Behaviour;

const DURATION: Duration = Duration::from_secs(5);
/// How long the export of the last spans may take on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How many traces are checked span by span; the spans of the others are counted.
const KEPT: usize = 1000;

/// Runs the load on a system whose telemetry has only one setting, the OTLP endpoint.
async fn ensure_no_loss(behaviour: Behaviour, load: impl FnOnce(Load) -> Load) -> Result<()> {
    let exclusive = ExclusiveLoad::acquire().await?;
    let config = SystemConfig::defaults().with_long_timeouts();
    let mut traced = TracedSystem::with(config).await?;
    traced.receiver.set_behaviour(behaviour);
    let store = traced.receiver.store();
    store.keep(KEPT);

    let url = traced.system.url("/hello");
    let load = load(Load::get(&url)?.until(Until::Elapsed(DURATION)));
    let report = load.run().await;
    drop(exclusive);
    println!("{report}");
    assert!(
        report.failed() == 0 && report.succeeded() > 0,
        "every request must succeed: {report}\n{}",
        traced.system.report()
    );
    traced.system.wait_until_exported(TIMEOUT).await?;
    let requests = report.succeeded();
    assert_counts(&traced.system.gateway, requests * 5).await?;
    assert_counts(&traced.system.hello, requests * 3).await?;
    assert_eq!(
        (store.span_count(), store.duplicates()),
        (requests * 8, 0),
        "the receiver must have all 8 spans of {requests} requests, each once"
    );
    ensure_complete(&store, &store.trace_ids(), HELLO)?;
    for counts in shut_down(&mut traced.system).await? {
        assert_eq!(
            counts.exported,
            counts.created(),
            "the last log line must count all spans as exported: {counts}"
        );
    }
    Ok(())
}

/// The service must have made this number of spans, and exported all of them.
async fn assert_counts(service: &Service, spans: u64) -> Result<()> {
    let (name, counts) = (service.name(), service.spans().await?);
    assert_eq!(
        (counts.created(), counts.exported),
        (spans, spans),
        "{name} must make and export {spans} spans: {counts}"
    );
    assert_eq!(
        counts.queue_capacity, 16_384,
        "{name} must have the default queue: {counts}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_steady_load_loses_no_span() -> Result<()> {
    let steady = |load: Load| load.connections(16).pace(Pace::PerSecond(300.0));
    ensure_no_loss(Behaviour::Accept, steady).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_that_keeps_every_core_busy_loses_no_span() -> Result<()> {
    let cores = thread::available_parallelism()?.get();
    let burst = |load: Load| load.connections(16 * cores).pace(Pace::AsFastAsPossible);
    ensure_no_loss(Behaviour::Accept, burst).await
}

/// The gateway makes 1,250 spans per second, and each export takes 200 ms.
#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_far_away_loses_no_span() -> Result<()> {
    let steady = |load: Load| load.connections(16).pace(Pace::PerSecond(250.0));
    ensure_no_loss(Behaviour::Delay(Duration::from_millis(200)), steady).await
}
