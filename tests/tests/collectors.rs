//! A Collector in trouble: it slows no request, memory stays bounded, and what
//! became of every span adds up. What it can still take is not lost.

use std::time::Duration;

use anyhow::{Context, Result};
use tests::accounting::Spans;
use tests::judge::{self, Alone, HELLO};
use tests::load::{Load, Pace, Report, Until};
use tests::local::{Service, System, SystemSettings};
use tests::{ports, wait};
use trace_contract::{Behaviour, Receiver};

/// Requests a second of a steady load, well below what a debug build can answer.
const RATE: f64 = 200.0;
const ROUND: Duration = Duration::from_secs(1);
const ROUNDS: usize = 4;
/// For what ends by itself, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
const MIB: u64 = 1024 * 1024;

/// A system, and the Collector that it exports to.
struct Exporting {
    collector: &'static str,
    system: System,
    receiver: Option<Receiver>,
    rounds: Vec<Report>,
}

impl Exporting {
    /// To a Collector that behaves so.
    async fn to(
        collector: &'static str,
        behaviour: Behaviour,
        settings: SystemSettings,
    ) -> Result<Self> {
        let receiver = Receiver::bind("127.0.0.1:0").await?;
        receiver.behave(behaviour);
        receiver.store().keep(usize::MAX);
        Ok(Self {
            collector,
            system: System::start(settings.export_to(receiver.endpoint())).await?,
            receiver: Some(receiver),
            rounds: Vec::new(),
        })
    }

    /// To a port that nobody listens on.
    async fn to_nobody(settings: SystemSettings) -> Result<Self> {
        let [port] = ports::free()?;
        let settings = settings.export_to(format!("http://127.0.0.1:{port}"));
        Ok(Self {
            collector: "refused",
            system: System::start(settings).await?,
            receiver: None,
            rounds: Vec::new(),
        })
    }

    /// One round of the steady load, in which no request may fail.
    async fn round(&mut self) -> Result<()> {
        let load = steady(&self.system)?.until(Until::Elapsed(ROUND));
        let report = load.run().await;
        self.must_answer_all(&report);
        self.rounds.push(report);
        Ok(())
    }

    fn must_answer_all(&self, report: &Report) {
        assert!(
            report.failed() == 0 && report.answered() > 0,
            "with a Collector that is {}, every request must be answered: {report}\n{}",
            self.collector,
            self.system.report()
        );
    }

    /// The p99 of the best round: what else runs on this machine can spoil one
    /// round, a pipeline that slows requests spoils them all.
    fn p99(&self) -> Duration {
        let rounds = self.rounds.iter().map(Report::p99);
        rounds.min().unwrap_or_default()
    }

    fn answered(&self) -> u64 {
        self.rounds.iter().map(Report::answered).sum()
    }

    /// The accounts of both services now, which must be exact, of as many spans
    /// as the answered requests have made.
    async fn accounts(&self, answered: u64) -> Result<[Spans; 2]> {
        let settled = |service: &Spans| service.open == 0;
        let [gateway, hello] = settled_accounts(&self.system, settled).await?;
        self.must_be_exact(answered, &gateway, &hello);
        Ok([gateway, hello])
    }

    /// Ends the system; its last words, which must be exact with nothing on the way.
    async fn end(&mut self, answered: u64) -> Result<[Spans; 2]> {
        let [gateway, hello] = judge::end(&mut self.system).await?;
        self.must_be_exact(answered, &gateway, &hello);
        let left = gateway.on_the_way() + hello.on_the_way();
        assert_eq!(left, 0, "of no span it may be unknown what became of it");
        Ok([gateway, hello])
    }

    fn must_be_exact(&self, answered: u64, gateway: &Spans, hello: &Spans) {
        for (service, spans, each) in [("gateway", gateway, 5), ("hello", hello, 3)] {
            let what = format!("{service}, Collector {}: {spans}", self.collector);
            assert!(spans.is_exact(), "every span must be accounted for: {what}");
            let made = answered * each;
            assert_eq!(
                spans.created(),
                made,
                "{answered} requests make {made} spans: {what}"
            );
        }
    }

    /// What arrived must be every span of the answered requests.
    fn must_have_all(&self, answered: u64) -> Result<()> {
        let receiver = self.receiver.as_ref().context("there is a Collector")?;
        let arrived = receiver.store().span_count();
        assert_eq!(
            arrived,
            answered * 8,
            "with a Collector that is {}, all 8 spans of {answered} requests must arrive",
            self.collector
        );
        Ok(())
    }
}

fn steady(system: &System) -> Result<Load> {
    let load = Load::get(&system.url("/hello"))?;
    Ok(load.connections(16).pace(Pace::PerSecond(RATE)))
}

/// The accounts of the gateway and of hello, as soon as both are `settled`: the
/// last spans of a request end just after its answer.
async fn settled_accounts(system: &System, settled: impl Fn(&Spans) -> bool) -> Result<[Spans; 2]> {
    let accounts = async |service: &Service| {
        let spans = service
            .spans()
            .await
            .map_err(|error| format!("{error:#}"))?;
        if settled(&spans) {
            Ok(spans)
        } else {
            Err(spans.to_string())
        }
    };
    wait::until("the last spans to end", PATIENCE, async || {
        let gateway = accounts(&system.gateway).await?;
        Ok::<_, String>([gateway, accounts(&system.hello).await?])
    })
    .await
}

/// A shutdown that a test can wait for, where it takes all the time that it has.
fn ending_soon() -> SystemSettings {
    SystemSettings::new()
        .both("DRAIN_TIMEOUT", "1s")
        .both("SHUTDOWN_TIMEOUT", "3s")
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
        "p99 {:?} with a Collector that is {}, {:?} with a healthy one",
        system.p99(),
        system.collector,
        healthy.p99()
    );
    assert!(
        system.p99() <= bound,
        "with a Collector that is {}, the p99 of the best round is {:?}; with a healthy one it is {:?}, so at most {bound:?} is noise",
        system.collector,
        system.p99(),
        healthy.p99()
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
    let _alone = Alone::wait().await?;
    let settings = ending_soon()
        .both("OTEL_BSP_MAX_QUEUE_SIZE", "400")
        .both("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "200")
        .both("OTEL_EXPORTER_OTLP_TIMEOUT", "200")
        .both("OTEL_BSP_EXPORT_TIMEOUT", "500");
    let mut it = Exporting::to("silent", Behaviour::Silent, settings).await?;
    let load = Load::get(&it.system.url("/hello"))?;
    let warm = load.clone().until(Until::Requests(400)).run().await;
    it.must_answer_all(&warm);
    let before = memory(&it.system)?;

    let report = load.until(Until::Requests(REQUESTS)).run().await;
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
    let _alone = Alone::wait().await?;
    let settings = SystemSettings::plain()
        .both("DRAIN_TIMEOUT", "1s")
        .both("SHUTDOWN_TIMEOUT", "3s")
        .gateway("EDGE_BAGGAGE", "tenant");
    let mut it = Exporting::to_nobody(settings).await?;
    let before = memory(&it.system)?;
    let load = Load::get(&it.system.url("/hello"))?
        .header("baggage", &format!("tenant={}", "x".repeat(6000)))
        .until(Until::Requests(REQUESTS));
    let report = load.run().await;
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
    let _alone = Alone::wait().await?;
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
