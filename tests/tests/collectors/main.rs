//! A Collector in trouble: it slows no request, memory stays bounded, and what
//! became of every span adds up. What it can still take is not lost.

mod exporting;

use std::time::Duration;

use anyhow::{Context, Result};
use tests::judge::{self, Alone, HELLO};
use tests::load::{Load, Until};
use tests::local::{System, SystemSettings};
use tests::wait;
use trace_contract::{Behaviour, Receiver};

use exporting::{Exporting, PATIENCE, steady};

const ROUNDS: usize = 4;
const MIB: u64 = 1024 * 1024;

/// A shutdown that a test can wait for, where it takes all the time that it has.
fn ending_soon() -> SystemSettings {
    SystemSettings::new()
        .all("DRAIN_TIMEOUT", "1s")
        .all("SHUTDOWN_TIMEOUT", "3s")
}

/// One system with a healthy Collector and four with one in trouble; rounds of
/// load on each in turn, so that what disturbs the machine disturbs them alike.
#[tokio::test(flavor = "multi_thread")]
async fn a_collector_in_trouble_slows_no_request_and_the_accounts_are_exact() -> Result<()> {
    let alone = Alone::wait().await?;
    let failing = Behaviour::Answer {
        status: 503,
        retry_after: None,
    };
    let slow = Behaviour::Delay(Duration::from_secs(2));
    let mut healthy = Exporting::to("healthy", Behaviour::Accept, ending_soon()).await?;
    let mut refused = Exporting::to_nobody(ending_soon()).await?;
    let mut silent = Exporting::to("silent", Behaviour::Silent, ending_soon()).await?;
    let mut failing = Exporting::to("answering 503", failing, SystemSettings::new()).await?;
    let mut slow = Exporting::to("slow by 2 s", slow, SystemSettings::new()).await?;

    for _ in 0..ROUNDS {
        for system in [
            &mut healthy,
            &mut refused,
            &mut silent,
            &mut failing,
            &mut slow,
        ] {
            system.round().await?;
        }
    }
    drop(alone);
    for system in [&refused, &silent, &failing, &slow] {
        must_not_be_slower(&healthy, system);
    }
    let recovers = failing.receiver.as_ref().context("there is a Collector")?;
    recovers.behave(Behaviour::Accept);
    tokio::try_join!(
        ends_with_all(&mut healthy),
        ends_with_none(&mut refused),
        ends_with_none(&mut silent),
        async {
            failing.system.wait_until_exported(PATIENCE).await?;
            ends_with_all(&mut failing).await
        },
        ends_with_all(&mut slow),
    )?;
    Ok(())
}

/// Noise is no slowness: three times as slow and 25 ms more is none that waits
/// for a Collector, which takes 2 s at least.
fn must_not_be_slower(healthy: &Exporting, system: &Exporting) {
    let bound = healthy.p99() * 3 + Duration::from_millis(25);
    println!(
        "p99s {:?} with a Collector that is {}, {:?} with a healthy one",
        system.p99s(),
        system.collector,
        healthy.p99s()
    );
    assert!(
        system.p99() <= bound,
        "with a Collector that is {}, the p99s of the rounds are {:?}; with a healthy one they are {:?}, so at most {bound:?} for the best is noise",
        system.collector,
        system.p99s(),
        healthy.p99s()
    );
}

/// Every span arrives, by the end at the latest.
async fn ends_with_all(it: &mut Exporting) -> Result<()> {
    let answered = it.answered();
    let before = it.accounts(answered).await?;
    let after = it.end(answered).await?;
    for spans in before.iter().chain(&after) {
        assert_eq!(spans.lost(), 0, "{} loses nothing: {spans}", it.collector);
    }
    for spans in &after {
        assert_eq!(spans.exported, spans.created(), "{}: {spans}", it.collector);
    }
    it.must_have_all(answered)
}

/// No span arrives, and each is accounted for as dropped at the end.
async fn ends_with_none(it: &mut Exporting) -> Result<()> {
    let answered = it.answered();
    for spans in it.accounts(answered).await? {
        let what = format!("the queue has room for all: {spans}");
        assert_eq!(spans.queued, spans.created(), "{what}");
        assert_eq!((spans.exported, spans.lost()), (0, 0), "{what}");
    }
    for spans in it.end(answered).await? {
        let dropped = spans.dropped.get("shutdown_timeout").copied();
        assert_eq!(
            dropped,
            Some(spans.created()),
            "all are dropped when the time to shut down is over: {spans}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_drops_and_counts_and_takes_no_more_memory() -> Result<()> {
    /// Ten times what the queue and a batch hold, at hello's three spans a request.
    const REQUESTS: u64 = 2000;
    /// Buffers of connections, fragments, and what a debug build is generous with.
    const GROWTH: u64 = 4 * MIB;
    let alone = Alone::wait().await?;
    let settings = ending_soon()
        .all("OTEL_BSP_MAX_QUEUE_SIZE", "400")
        .all("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "200")
        .all("OTEL_EXPORTER_OTLP_TIMEOUT", "200")
        .all("OTEL_BSP_EXPORT_TIMEOUT", "500");
    let mut it = Exporting::to("silent", Behaviour::Silent, settings).await?;
    let load = Load::get(&it.system.url("/hello"))?;
    let warm = load.clone().until(Until::Requests(400)).run().await;
    it.must_answer_all(&warm);
    let before = memory(&it.system)?;

    let report = load.until(Until::Requests(REQUESTS)).run().await;
    drop(alone);
    it.must_answer_all(&report);
    let answered = warm.answered() + report.answered();
    let after = memory(&it.system)?;
    println!(
        "{before:?} bytes after {} requests, {after:?} after {answered}",
        warm.answered()
    );
    for (before, after) in before.into_iter().zip(after) {
        assert!(
            after <= before + GROWTH,
            "a full queue must not grow: {before} bytes, then {after}"
        );
    }
    for spans in it.accounts(answered).await? {
        assert!(
            spans.queued <= 400 + 200,
            "the queue and a batch bound what waits: {spans}"
        );
        for reason in ["queue_full", "export_timeout"] {
            assert!(
                spans.dropped.get(reason) > Some(&0),
                "spans must be dropped for {reason}: {spans}"
            );
        }
    }
    for spans in it.end(answered).await? {
        assert_eq!(spans.exported, 0, "nothing was taken: {spans}");
        assert_eq!(spans.lost(), spans.created(), "all is lost: {spans}");
        assert!(
            spans.dropped.get("shutdown_timeout") <= Some(&600),
            "what still waited is dropped at the end: {spans}"
        );
    }
    Ok(())
}

/// Spans of 6 kB each would fill 50 MB; the pipeline keeps to its 24 MiB.
#[tokio::test(flavor = "multi_thread")]
async fn the_default_queue_keeps_to_24_mib_however_large_the_spans_are() -> Result<()> {
    const REQUESTS: u64 = 4000;
    const PIPELINE: u64 = 24 * MIB;
    /// Without the pipeline: connections with 6 kB of headers on each of three hops.
    const REST: u64 = 8 * MIB;
    let alone = Alone::wait().await?;
    let settings = SystemSettings::plain()
        .all("DRAIN_TIMEOUT", "1s")
        .all("SHUTDOWN_TIMEOUT", "3s")
        .gateway("EDGE_BAGGAGE", "tenant");
    let mut it = Exporting::to_nobody(settings).await?;
    let before = memory(&it.system)?;
    let load = Load::get(&it.system.url("/hello"))?
        .header("baggage", &format!("tenant={}", "x".repeat(6000)))
        .until(Until::Requests(REQUESTS));
    let report = load.run().await;
    drop(alone);
    it.must_answer_all(&report);
    let after = memory(&it.system)?;
    println!("{before:?} bytes before, {after:?} after");
    for (before, after) in before.into_iter().zip(after) {
        assert!(
            after <= before + PIPELINE + REST,
            "the pipeline is bounded to {PIPELINE} bytes: {before} bytes before, {after} after"
        );
    }
    let [gateway, hello] = it.accounts(report.answered()).await?;
    for spans in [&gateway, &hello] {
        let full = spans.dropped.get("queue_full");
        assert!(full > Some(&0), "the queue must have been full: {spans}");
    }
    assert!(
        gateway.queued < 16_384 / 2,
        "bytes must have bounded the queue, not the number of spans: {gateway}"
    );
    for spans in it.end(report.answered()).await? {
        assert_eq!(spans.lost(), spans.created(), "all is lost: {spans}");
    }
    Ok(())
}

fn memory(system: &System) -> Result<[u64; 2]> {
    Ok([
        judge::resident(system.gateway.pid())?,
        judge::resident(system.hello.pid())?,
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_restarted_loses_nothing() -> Result<()> {
    let alone = Alone::wait().await?;
    let mut it = Exporting::to("restarted", Behaviour::Accept, SystemSettings::new()).await?;
    let first = it.receiver.take().context("it was just bound")?;
    let load = steady(&it.system)?.until(Until::Elapsed(Duration::from_secs(3)));
    let running = load.start();
    running.wait_for(100, PATIENCE).await?;
    let (address, before) = (first.address(), first.store());
    first.stop().await;
    for service in [&it.system.gateway, &it.system.hello] {
        let noticed = |line: &str| line.contains("the Collector cannot be reached");
        let output = service.output();
        output
            .wait_for_line(
                "the service to say that its Collector is away",
                PATIENCE,
                noticed,
            )
            .await?;
    }
    let second = wait::until("the Collector's port", PATIENCE, async || {
        Receiver::bind(address).await
    })
    .await?;
    second.store().keep(usize::MAX);
    let report = running.end().await;
    drop(alone);
    it.must_answer_all(&report);
    it.system.wait_until_exported(PATIENCE).await?;
    for spans in it.end(report.answered()).await? {
        assert_eq!(spans.exported, spans.created(), "nothing is lost: {spans}");
    }
    assert!(
        before.span_count() > 0 && second.store().span_count() > 0,
        "spans must have gone to the Collector before and after its restart"
    );
    let all = judge::union(&[before, second.store()]);
    assert_eq!(all.span_count(), report.answered() * 8, "{report}");
    judge::whole(&all, &report.traces, HELLO)
}
