//! Shutdown under load: no accepted request fails, every span of a successful request is
//! exported, and the process exits in time.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tests::assertions::{GREETING, HELLO, SpansPerService, ensure_complete};
use tests::load::{ExclusiveLoad, FailureKind, Load, Report, Running, Until};
use tests::local::{Binaries, Service, SystemConfig};
use tests::process::{self, Process, Signal};
use tests::traced_system::TracedSystem;
use tests::{ports, wait};
use trace_contract::{Behaviour, Expectation, Trace, TraceId};

const DRAIN_DELAY: Duration = Duration::from_millis(500);
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);
/// How much later than its own timeout the exit of a process may be seen on a busy machine.
const TOLERANCE: Duration = Duration::from_secs(1);
/// How long anything else may take on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How many requests are completed before a signal is sent.
const REQUESTS_BEFORE: u64 = 200;

/// A system that drains as in a cluster.
async fn draining() -> Result<TracedSystem> {
    let millis = |duration: Duration| format!("{}ms", duration.as_millis());
    let config = SystemConfig::new()
        .all("DRAIN_DELAY", millis(DRAIN_DELAY))
        .all("DRAIN_TIMEOUT", millis(DRAIN_TIMEOUT))
        .all("SHUTDOWN_TIMEOUT", millis(SHUTDOWN_TIMEOUT));
    start(config).await
}

async fn start(config: SystemConfig) -> Result<TracedSystem> {
    let traced = TracedSystem::with(config.with_long_timeouts()).await?;
    traced.receiver.store().keep(usize::MAX);
    Ok(traced)
}

/// Starts a load that runs until it is stopped; returns after the first requests.
async fn start_load(url: &str) -> Result<Running> {
    let load = Load::get(url)?.header("user-agent", "load");
    let load = load.until(Until::Elapsed(Duration::from_mins(1))).start();
    load.wait_for(REQUESTS_BEFORE, TIMEOUT).await?;
    Ok(load)
}

/// Waits for as many further requests as before the signal.
async fn continue_load(load: &Running) -> Result<()> {
    let requests = load.completed() + REQUESTS_BEFORE;
    load.wait_for(requests, TIMEOUT).await
}

/// Sends a signal; the service must exit in time with status 0.
async fn stop(service: &mut Service, signal: Signal) -> Result<()> {
    let start = Instant::now();
    let process = service.process();
    process.signal(signal)?;
    let status = process.wait(SHUTDOWN_TIMEOUT + TOLERANCE).await?;
    let (name, elapsed) = (service.name(), start.elapsed());
    println!("{name} exited {elapsed:?} after {signal:?}, with {status}");
    ensure!(
        status.success(),
        "after {signal:?}, {name} must exit with status 0, but it exited with {status}\n{}",
        service.output().report()
    );
    Ok(())
}

fn assert_accepted_requests_succeed(report: &Report, traced: &TracedSystem) {
    assert!(
        report.failed_after_accept() == 0 && report.succeeded() >= REQUESTS_BEFORE,
        "no accepted request may fail: {report}\n{}",
        traced.system.report()
    );
}

fn assert_failures_are_502_or_503(report: &Report) {
    let statuses = [502, 503].map(|status| report.failed_by(FailureKind::Status(status)));
    let expected: u64 = statuses.iter().sum();
    assert!(
        expected == report.failed() && expected > 0,
        "without hello, the gateway must return 502 or 503 to every request that fails: {report}"
    );
}

/// The trace of every successful request must be complete, and no other span received.
fn ensure_only_complete_traces(
    traced: &TracedSystem,
    succeeded: &[TraceId],
    expected: &SpansPerService<'_>,
) -> Result<()> {
    let store = traced.receiver.store();
    ensure_complete(&store, succeeded, expected)?;
    let spans_per_request: usize = expected.iter().map(|(_, spans)| spans).sum();
    assert_eq!(
        store.span_count(),
        (succeeded.len() * spans_per_request) as u64,
        "the receiver must have only the spans of the {} successful requests",
        succeeded.len()
    );
    Ok(())
}

/// Compares three traces with a contract: the first, the last, and one from the middle.
async fn ensure_contract(
    traced: &TracedSystem,
    succeeded: &[TraceId],
    contract: &str,
) -> Result<()> {
    let middle = succeeded.len() / 2;
    let expectation = Expectation::default();
    for id in [succeeded.first(), succeeded.get(middle), succeeded.last()] {
        let id = id.expect("some requests succeeded");
        traced.ensure_trace(*id, contract, &expectation).await?;
    }
    Ok(())
}

async fn stop_the_gateway_under_load(signal: Signal) -> Result<()> {
    let exclusive = ExclusiveLoad::acquire().await?;
    let mut traced = draining().await?;
    let load = start_load(&traced.system.url("/hello")).await?;
    stop(&mut traced.system.gateway, signal).await?;
    let report = load.stop().await;
    drop(exclusive);
    assert_accepted_requests_succeed(&report, &traced);

    stop(&mut traced.system.hello, Signal::TERM).await?;
    ensure_only_complete_traces(&traced, &report.traces, HELLO)?;
    for service in [&traced.system.gateway, &traced.system.hello] {
        let counts = service.final_counts()?;
        assert_eq!(
            counts.exported,
            counts.created(),
            "{} must export all spans: {counts}",
            service.name()
        );
    }
    ensure_contract(&traced, &report.traces, "hello").await
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_to_the_gateway_fails_no_request_and_loses_no_span() -> Result<()> {
    stop_the_gateway_under_load(Signal::TERM).await
}

#[tokio::test(flavor = "multi_thread")]
async fn sigint_to_the_gateway_fails_no_request_and_loses_no_span() -> Result<()> {
    stop_the_gateway_under_load(Signal::INT).await
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_to_hello_fails_no_request_and_loses_no_span() -> Result<()> {
    let exclusive = ExclusiveLoad::acquire().await?;
    let mut traced = draining().await?;
    let url = format!("{}/greetings/World", traced.system.hello.url());
    let load = start_load(&url).await?;
    stop(&mut traced.system.hello, Signal::TERM).await?;
    let report = load.stop().await;
    drop(exclusive);
    assert_accepted_requests_succeed(&report, &traced);

    stop(&mut traced.system.gateway, Signal::TERM).await?;
    ensure_only_complete_traces(&traced, &report.traces, GREETING)?;
    ensure_contract(&traced, &report.traces, "greetings").await
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_to_hello_causes_only_502_or_503_at_the_gateway_and_loses_no_span() -> Result<()> {
    let exclusive = ExclusiveLoad::acquire().await?;
    let mut traced = draining().await?;
    let load = start_load(&traced.system.url("/hello")).await?;
    stop(&mut traced.system.hello, Signal::TERM).await?;
    continue_load(&load).await?;
    let report = load.stop().await;
    drop(exclusive);
    assert_failures_are_502_or_503(&report);
    stop(&mut traced.system.gateway, Signal::TERM).await?;
    ensure_complete(&traced.receiver.store(), &report.traces, HELLO)
}

/// hello drains longer than the gateway, so that it still serves the gateway's last requests.
#[tokio::test(flavor = "multi_thread")]
async fn sigterm_to_both_fails_no_request_and_loses_no_span() -> Result<()> {
    let exclusive = ExclusiveLoad::acquire().await?;
    let config = SystemConfig::new()
        .gateway("DRAIN_DELAY", "300ms")
        .gateway("DRAIN_TIMEOUT", "2s")
        .gateway("SHUTDOWN_TIMEOUT", "5s")
        .hello("DRAIN_DELAY", "2s")
        .hello("DRAIN_TIMEOUT", "1s")
        .hello("SHUTDOWN_TIMEOUT", "5s");
    let mut traced = start(config).await?;
    let load = start_load(&traced.system.url("/hello")).await?;
    tokio::try_join!(
        stop(&mut traced.system.gateway, Signal::TERM),
        stop(&mut traced.system.hello, Signal::TERM)
    )?;
    let report = load.stop().await;
    drop(exclusive);
    assert_accepted_requests_succeed(&report, &traced);
    ensure_only_complete_traces(&traced, &report.traces, HELLO)?;
    ensure_contract(&traced, &report.traces, "hello").await
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_with_a_silent_collector_exits_in_time_and_logs_the_dropped_spans() -> Result<()> {
    let exclusive = ExclusiveLoad::acquire().await?;
    let mut traced = draining().await?;
    traced.receiver.set_behaviour(Behaviour::Silent);
    let load = start_load(&traced.system.url("/hello")).await?;
    stop(&mut traced.system.gateway, Signal::TERM).await?;
    let report = load.stop().await;
    drop(exclusive);
    assert_accepted_requests_succeed(&report, &traced);
    stop(&mut traced.system.hello, Signal::TERM).await?;

    let (gateway, hello) = (&traced.system.gateway, &traced.system.hello);
    for (service, spans_per_request) in [(gateway, 5), (hello, 3)] {
        let name = service.name();
        let counts = service.final_counts()?;
        assert_eq!(
            counts.created(),
            report.succeeded() * spans_per_request,
            "{name} must make {spans_per_request} spans per request: {counts}, {report}"
        );
        assert_eq!(
            counts.dropped.get("shutdown_timeout"),
            Some(&counts.created()),
            "the last log line of {name} must count all spans as dropped by the timeout: {counts}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_hello_causes_only_502_or_503_and_the_gateway_loses_no_span() -> Result<()> {
    let exclusive = ExclusiveLoad::acquire().await?;
    let mut traced = draining().await?;
    let load = start_load(&traced.system.url("/hello")).await?;
    traced.system.hello.kill().await?;
    continue_load(&load).await?;
    let report = load.stop().await;
    drop(exclusive);
    assert_failures_are_502_or_503(&report);

    let counts = traced.system.gateway.wait_until_exported(TIMEOUT).await?;
    assert!(
        counts.adds_up() && counts.lost() == 0,
        "the gateway must lose no span: {counts}"
    );
    let store = traced.receiver.store();
    assert_eq!(
        store.spans_by_service()["gateway"],
        counts.created(),
        "the receiver must have all spans of the gateway"
    );
    for id in &report.traces {
        let trace = store.trace(*id);
        let spans = trace.iter().flat_map(Trace::spans);
        let spans = spans.filter(|span| span.service() == "gateway").count();
        assert_eq!(
            spans, 5,
            "the gateway's spans of the successful request {id}"
        );
    }
    Ok(())
}

/// Both services have spans in their queues when the signal arrives.
#[tokio::test(flavor = "multi_thread")]
async fn every_signal_that_ends_a_process_exports_the_queue_first() -> Result<()> {
    for signal in [
        Signal::TERM,
        Signal::INT,
        Signal::HUP,
        Signal::QUIT,
        Signal::XCPU,
        Signal::POWER,
    ] {
        if signal == Signal::HUP && is_hangup_ignored()? {
            println!("SIGHUP is not tested: this test runs under nohup");
            continue;
        }
        let config = SystemConfig::new().all("OTEL_BSP_SCHEDULE_DELAY", "60000");
        let mut traced = start(config).await?;
        let load = Load::get(&traced.system.url("/hello"))?;
        let report = load.until(Until::Requests(10)).run().await;
        assert_eq!(report.succeeded(), 10, "{report}");
        stop(&mut traced.system.gateway, signal).await?;
        stop(&mut traced.system.hello, signal).await?;
        ensure_only_complete_traces(&traced, &report.traces, HELLO)
            .with_context(|| format!("after {signal:?}"))?;
        traced.system.gateway.final_counts()?;
        traced.system.hello.final_counts()?;
    }
    Ok(())
}

/// Whether this process ignores SIGHUP. The services that it starts then do, too.
fn is_hangup_ignored() -> Result<bool> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .context("/proc/self/status has no SigIgn")?;
    let bit = 1 << (Signal::HUP.as_raw() - 1);
    Ok(u64::from_str_radix(mask.trim(), 16)? & bit != 0)
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_without_a_meaning_are_logged_and_end_nothing() -> Result<()> {
    let mut traced = start(SystemConfig::new()).await?;
    // 37 is SIGRTMIN+3, with which systemd stops a container.
    let numbers = [
        Signal::USR1.as_raw(),
        Signal::USR2.as_raw(),
        Signal::ALARM.as_raw(),
        Signal::VTALARM.as_raw(),
        Signal::PROF.as_raw(),
        Signal::IO.as_raw(),
        Signal::XFSZ.as_raw(),
        Signal::STKFLT.as_raw(),
        Signal::PIPE.as_raw(),
        37,
        64,
    ];
    for service in [&mut traced.system.gateway, &mut traced.system.hello] {
        for number in numbers {
            let pid = service.pid().to_string();
            let kill = tokio::process::Command::new("kill")
                .args([&format!("-{number}"), &pid])
                .status();
            ensure!(kill.await?.success(), "kill -{number}");
            if number != Signal::PIPE.as_raw() {
                let logged = |line: &str| {
                    line.contains("signal ignored")
                        && line.contains(&format!("\"number\":{number}}}"))
                };
                let output = service.output();
                output.wait_for_line("the signal", TIMEOUT, logged).await?;
            }
        }
        stop(service, Signal::TERM).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_that_nohup_ignores_stays_ignored() -> Result<()> {
    let [http, admin] = ports::free()?;
    let mut command = process::command("sh");
    command
        .args(["-c", "trap '' HUP; exec \"$0\""])
        .arg(&Binaries::find().await?.hello)
        .env("HTTP_ADDR", format!("127.0.0.1:{http}"))
        .env("ADMIN_ADDR", format!("127.0.0.1:{admin}"))
        .env("OTEL_TRACES_EXPORTER", "none")
        .env("DRAIN_DELAY", "0s");
    let mut hello = Process::start("hello", &mut command)?;
    let url = format!("http://127.0.0.1:{admin}/livez");
    hello.wait_until_ready(&url, TIMEOUT).await?;
    hello.signal(Signal::HUP)?;
    hello.signal(Signal::USR1)?;
    let output = hello.output();
    let logged = |line: &str| line.contains("signal ignored");
    output.wait_for_line("SIGUSR1", TIMEOUT, logged).await?;
    wait::http_ok(&url).await.map_err(anyhow::Error::msg)?;
    ensure!(hello.terminate(TIMEOUT).await?.success());
    let text = hello.output().text();
    ensure!(!text.contains("SIGHUP"), "SIGHUP must stay ignored\n{text}");
    Ok(())
}
