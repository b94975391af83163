//! The end of a service under load: no request fails that was accepted, every
//! span of an answered request arrives, and the process ends in its time.

use std::process::ExitStatus;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use tests::judge::{self, Alone, GREETING, HELLO, SpansOf};
use tests::load::{FailureKind, Load, Report, Running, Until};
use tests::local::{Service, SystemSettings};
use tests::traced::Traced;
use tests::wait;
use tokio::process::Command;
use trace_contract::{Behaviour, Trace, TraceId};

const DRAIN_DELAY: Duration = Duration::from_millis(500);
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);
/// What a process needs beyond its own bound to be seen to have ended, on a busy machine.
const NOTICE: Duration = Duration::from_secs(1);
/// For what ends by itself, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// Requests before a signal comes.
const BEFORE: u64 = 200;

/// A system that takes its time to drain, as in a cluster.
async fn draining() -> Result<Traced> {
    let write = |duration: Duration| format!("{}ms", duration.as_millis());
    let settings = SystemSettings::new()
        .all("DRAIN_DELAY", write(DRAIN_DELAY))
        .all("DRAIN_TIMEOUT", write(DRAIN_TIMEOUT))
        .all("SHUTDOWN_TIMEOUT", write(SHUTDOWN_TIMEOUT));
    started(settings).await
}

async fn started(settings: SystemSettings) -> Result<Traced> {
    let traced = Traced::with(judge::patient(settings)).await?;
    traced.receiver.store().keep(usize::MAX);
    Ok(traced)
}

/// Load as fast as it is answered, until it is stopped.
fn load(url: &str) -> Result<Running> {
    let load = Load::get(url)?.header("user-agent", "load");
    Ok(load.until(Until::Elapsed(Duration::from_mins(1))).start())
}

/// Sends a signal to a service, and waits for its end within its bound.
async fn ended_by(signal: &str, service: &mut Service) -> Result<ExitStatus> {
    let began = Instant::now();
    let kill = format!("kill -s {signal} {}", service.pid());
    let sent = Command::new("sh").args(["-c", &kill]).status().await?;
    let name = service.process().name().to_owned();
    ensure!(sent.success(), "SIG{signal} could not be sent to {name}");
    let bound = SHUTDOWN_TIMEOUT + NOTICE;
    let status = service.process().wait(bound).await?;
    println!(
        "SIG{signal} ended {name} in {:?}, {status}",
        began.elapsed()
    );
    if !status.success() {
        bail!(
            "SIG{signal} must end {name} with status 0, not with {status}\n{}",
            service.output().report()
        );
    }
    Ok(status)
}

fn must_keep_its_promise(report: &Report, traced: &Traced) {
    assert!(
        report.failed_when_accepted() == 0 && report.answered() >= BEFORE,
        "no request that was accepted may fail: {report}\n{}",
        traced.system.report()
    );
}

/// Callers must be told that hello is away, each with an answer.
fn must_be_told(report: &Report) {
    let told = [502, 503].map(|status| report.failed_by(FailureKind::Status(status)));
    let told: u64 = told.iter().sum();
    assert!(
        told == report.failed() && told > 0,
        "without hello, the gateway must answer 502 or 503 and nothing else: {report}"
    );
}

/// Every answered request's trace must be whole, and nothing else may have come.
fn must_have_arrived(traced: &Traced, answered: &[TraceId], expected: &SpansOf<'_>) -> Result<()> {
    let store = traced.receiver.store();
    judge::whole(&store, answered, expected)?;
    let each: usize = expected.iter().map(|(_, spans)| spans).sum();
    assert_eq!(
        store.span_count(),
        (answered.len() * each) as u64,
        "nothing but the spans of the {} answered requests may arrive",
        answered.len()
    );
    Ok(())
}

/// Some of them in every detail: the first, the last, and one of the middle.
async fn must_satisfy(traced: &Traced, answered: &[TraceId], contract: &str) -> Result<()> {
    let middle = answered.len() / 2;
    for id in [answered.first(), answered.get(middle), answered.last()] {
        let id = id.expect("requests were answered");
        traced.hold(*id, contract, &<_>::default()).await?;
    }
    Ok(())
}

async fn the_gateway_ends_by(signal: &str) -> Result<()> {
    let alone = Alone::wait().await?;
    let mut traced = draining().await?;
    let load = load(&traced.system.url("/hello"))?;
    load.wait_for(BEFORE, PATIENCE).await?;
    ended_by(signal, &mut traced.system.gateway).await?;
    let report = load.stop().await;
    drop(alone);
    must_keep_its_promise(&report, &traced);

    ended_by("TERM", &mut traced.system.hello).await?;
    must_have_arrived(&traced, &report.traces, HELLO)?;
    for service in [&traced.system.gateway, &traced.system.hello] {
        let spans = judge::last_words(service)?;
        assert_eq!(spans.exported, spans.created(), "no span is lost: {spans}");
    }
    must_satisfy(&traced, &report.traces, "hello").await
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_to_the_gateway_fails_no_request_and_loses_no_span() -> Result<()> {
    the_gateway_ends_by("TERM").await
}

#[tokio::test(flavor = "multi_thread")]
async fn sigint_to_the_gateway_fails_no_request_and_loses_no_span() -> Result<()> {
    the_gateway_ends_by("INT").await
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_to_hello_fails_no_request_and_loses_no_span() -> Result<()> {
    let alone = Alone::wait().await?;
    let mut traced = draining().await?;
    let load = load(&format!("{}/greetings/World", traced.system.hello.url()))?;
    load.wait_for(BEFORE, PATIENCE).await?;
    ended_by("TERM", &mut traced.system.hello).await?;
    let report = load.stop().await;
    drop(alone);
    must_keep_its_promise(&report, &traced);

    ended_by("TERM", &mut traced.system.gateway).await?;
    must_have_arrived(&traced, &report.traces, GREETING)?;
    must_satisfy(&traced, &report.traces, "greetings").await
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_to_hello_behind_the_gateway_is_a_502_at_worst_and_loses_no_span() -> Result<()> {
    let alone = Alone::wait().await?;
    let mut traced = draining().await?;
    let load = load(&traced.system.url("/hello"))?;
    load.wait_for(BEFORE, PATIENCE).await?;
    ended_by("TERM", &mut traced.system.hello).await?;
    let ended_after = load.done();
    load.wait_for(ended_after + BEFORE, PATIENCE).await?;
    let report = load.stop().await;
    drop(alone);
    must_be_told(&report);
    ended_by("TERM", &mut traced.system.gateway).await?;
    judge::whole(&traced.receiver.store(), &report.traces, HELLO)
}

/// hello serves longer than its caller: then the last requests that the gateway
/// accepts are greeted too.
#[tokio::test(flavor = "multi_thread")]
async fn sigterm_to_both_fails_no_request_and_loses_no_span() -> Result<()> {
    let alone = Alone::wait().await?;
    let settings = SystemSettings::new()
        .gateway("DRAIN_DELAY", "300ms")
        .gateway("DRAIN_TIMEOUT", "2s")
        .gateway("SHUTDOWN_TIMEOUT", "5s")
        .hello("DRAIN_DELAY", "2s")
        .hello("DRAIN_TIMEOUT", "1s")
        .hello("SHUTDOWN_TIMEOUT", "5s");
    let mut traced = started(settings).await?;
    let load = load(&traced.system.url("/hello"))?;
    load.wait_for(BEFORE, PATIENCE).await?;
    let system = &mut traced.system;
    tokio::try_join!(
        ended_by("TERM", &mut system.gateway),
        ended_by("TERM", &mut system.hello)
    )?;
    let report = load.stop().await;
    drop(alone);
    must_keep_its_promise(&report, &traced);
    must_have_arrived(&traced, &report.traces, HELLO)?;
    must_satisfy(&traced, &report.traces, "hello").await
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_with_a_silent_collector_ends_in_time_and_says_what_was_dropped() -> Result<()> {
    let alone = Alone::wait().await?;
    let mut traced = draining().await?;
    traced.receiver.behave(Behaviour::Silent);
    let load = load(&traced.system.url("/hello"))?;
    load.wait_for(BEFORE, PATIENCE).await?;
    ended_by("TERM", &mut traced.system.gateway).await?;
    let report = load.stop().await;
    drop(alone);
    must_keep_its_promise(&report, &traced);
    ended_by("TERM", &mut traced.system.hello).await?;

    let answered = report.answered();
    for (service, each) in [(&traced.system.gateway, 5), (&traced.system.hello, 3)] {
        let spans = judge::last_words(service)?;
        assert_eq!(spans.created(), answered * each, "{report}: {spans}");
        assert_eq!(
            spans.dropped.get("shutdown_timeout"),
            Some(&spans.created()),
            "the last line must say that all spans were dropped, and why: {spans}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_hello_is_a_502_and_the_gateways_own_spans_are_exact() -> Result<()> {
    let alone = Alone::wait().await?;
    let mut traced = draining().await?;
    let load = load(&traced.system.url("/hello"))?;
    load.wait_for(BEFORE, PATIENCE).await?;
    traced.system.hello.kill().await?;
    let killed_after = load.done();
    load.wait_for(killed_after + BEFORE, PATIENCE).await?;
    let report = load.stop().await;
    drop(alone);
    must_be_told(&report);

    let spans = wait::until(
        "the gateway's spans to be exported",
        PATIENCE,
        async || match traced.system.gateway.spans().await {
            Ok(spans) if spans.on_the_way() == 0 => Ok(spans),
            Ok(spans) => Err(spans.to_string()),
            Err(error) => Err(format!("{error:#}")),
        },
    )
    .await?;
    let store = traced.receiver.store();
    let arrived = store.spans_by_service()["gateway"];
    assert!(spans.is_exact() && spans.lost() == 0, "{spans}");
    assert_eq!(
        arrived,
        spans.created(),
        "all of the gateway's spans arrive"
    );
    for id in &report.traces {
        let trace = store.trace(*id);
        let trace = trace.iter().flat_map(Trace::spans);
        let own = trace.filter(|span| span.service() == "gateway").count();
        assert_eq!(own, 5, "the gateway's spans of the answered request {id}");
    }
    Ok(())
}
