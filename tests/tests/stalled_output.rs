//! Standard output and standard error that are not read, are read slowly, or cannot be written
//! to: no request, no health check and no shutdown is delayed, no span is lost, and each log line
//! that could not be written is counted.

use std::process::ExitStatus;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tests::assertions::{HELLO, ensure_complete};
use tests::load::{Load, Report, Until};
use tests::local::{Binaries, Service, SystemConfig};
use tests::process::{self, Process, Reading, Signal};
use tests::traced_system::TracedSystem;
use tests::{ports, prometheus, wait};

const DROPPED: &str = "log_lines_dropped_total";
const REPORT: &str = "log lines were dropped";
/// How long anything may take on a busy machine.
const TIMEOUT: Duration = Duration::from_mins(1);
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);
/// How much later than its own timeout the exit of a process may be seen on a busy machine.
const TOLERANCE: Duration = Duration::from_secs(2);

/// A system that writes many log lines per request.
async fn verbose() -> Result<TracedSystem> {
    let config = SystemConfig::new()
        .all("RUST_LOG", "trace")
        .all("DRAIN_TIMEOUT", "2s")
        .all("SHUTDOWN_TIMEOUT", "5s");
    let traced = TracedSystem::with(config.with_long_timeouts()).await?;
    traced.receiver.store().keep(usize::MAX);
    Ok(traced)
}

fn set_reading(traced: &TracedSystem, reading: Reading) {
    for service in traced.system.all() {
        service.output().set_reading(reading);
    }
}

/// Sends 600 requests; each must get its response.
async fn send_600(traced: &TracedSystem) -> Result<Report> {
    let load = Load::get(&traced.system.url("/hello"))?;
    let report = load.until(Until::Requests(600)).connections(8).run().await;
    ensure!(report.succeeded() == 600, "600 of 600 requests: {report}");
    Ok(report)
}

/// The dropped log lines that `/metrics` counts.
async fn dropped_lines(service: &Service) -> Result<u64> {
    let text = prometheus::fetch(&service.admin_url()).await?;
    let samples = prometheus::samples(&text);
    let counts = samples.iter().filter(|sample| sample.name == DROPPED);
    Ok(counts.map(|sample| sample.value).sum())
}

async fn ensure_alive(service: &Service) -> Result<()> {
    let url = format!("{}/livez", service.admin_url());
    wait::until("/livez to respond", Duration::from_secs(10), async || {
        wait::http_ok(&url).await
    })
    .await
}

/// SIGTERM must end the process in time, with status 0.
async fn ensure_terminates(service: &mut Service) -> Result<()> {
    let start = Instant::now();
    let process = service.process();
    process.signal(Signal::TERM)?;
    // The wait includes a second in which the harness tries to read the rest of the output.
    let status = process.wait(SHUTDOWN_TIMEOUT + TOLERANCE).await?;
    ensure!(status.success(), "{}: {status}", service.name());
    println!("{} exited after {:?}", service.name(), start.elapsed());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_reader_delays_no_request_no_probe_and_no_shutdown_and_loses_no_span()
-> Result<()> {
    let mut traced = verbose().await?;
    set_reading(&traced, Reading::Stalled);
    let mut succeeded = Vec::new();
    let start = Instant::now();
    loop {
        succeeded.extend(send_600(&traced).await?.traces);
        let system = &traced.system;
        let dropped = (
            dropped_lines(&system.gateway).await?,
            dropped_lines(&system.hello).await?,
        );
        if dropped.0 > 0 && dropped.1 > 0 {
            break;
        }
        ensure!(start.elapsed() < TIMEOUT, "{DROPPED} stays at {dropped:?}");
    }
    ensure_alive(&traced.system.gateway).await?;
    ensure_alive(&traced.system.hello).await?;
    ensure_terminates(&mut traced.system.gateway).await?;
    ensure_terminates(&mut traced.system.hello).await?;
    ensure_complete(&traced.receiver.store(), &succeeded, HELLO)
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_lines_are_reported_when_the_reader_reads_again() -> Result<()> {
    let mut traced = verbose().await?;
    set_reading(&traced, Reading::Stalled);
    wait::until("lines to be dropped", TIMEOUT, async || {
        send_600(&traced).await?;
        let dropped = dropped_lines(&traced.system.gateway).await?;
        ensure!(dropped > 0, "none yet");
        Ok(())
    })
    .await?;
    set_reading(&traced, Reading::Immediately);
    let gateway = &traced.system.gateway;
    let output = gateway.output();
    output
        .wait_for_line("the report", TIMEOUT, |line| line.contains(REPORT))
        .await?;
    let dropped = dropped_lines(gateway).await?;
    traced.system.gateway.terminate().await?;
    let log = traced.system.gateway.log();
    let reports: Vec<_> = log
        .iter()
        .filter(|line| {
            line["message"]
                .as_str()
                .is_some_and(|it| it.contains(REPORT))
        })
        .collect();
    let sum: u64 = reports.iter().filter_map(|it| it["dropped"].as_u64()).sum();
    ensure!(
        sum == dropped && reports.last().is_some_and(|it| it["total"] == dropped),
        "{dropped} lines were dropped; the reports are {reports:?}"
    );
    // What is written is complete: no line is cut.
    traced.system.gateway.final_counts().map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_delays_no_request_and_no_shutdown() -> Result<()> {
    let mut traced = verbose().await?;
    set_reading(&traced, Reading::Slowly(Duration::from_millis(5)));
    let report = send_600(&traced).await?;
    ensure_alive(&traced.system.gateway).await?;
    ensure_alive(&traced.system.hello).await?;
    ensure_terminates(&mut traced.system.gateway).await?;
    ensure_terminates(&mut traced.system.hello).await?;
    ensure_complete(&traced.receiver.store(), &report.traces, HELLO)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_exporter_delays_no_request_and_no_shutdown() -> Result<()> {
    let mut traced = verbose().await?;
    drop(traced.system);
    let config = SystemConfig::new()
        .all("OTEL_TRACES_EXPORTER", "console")
        .all("DRAIN_TIMEOUT", "2s")
        .all("SHUTDOWN_TIMEOUT", "5s");
    traced.system = tests::local::System::start(config.with_long_timeouts()).await?;
    set_reading(&traced, Reading::Stalled);
    send_600(&traced).await?;
    let gateway = &mut traced.system.gateway;
    gateway.wait_until_exported(TIMEOUT).await?;
    ensure_alive(gateway).await?;
    ensure_terminates(gateway).await
}

/// Runs the gateway with a shell's redirections until SIGTERM; returns its exit status and the
/// lines that `/metrics` counts as dropped.
async fn run_with_redirections(redirections: &str) -> Result<(ExitStatus, u64)> {
    let binaries = Binaries::find().await?;
    let [http, admin] = ports::free()?;
    let mut command = process::command("sh");
    command
        .args(["-c", &format!("exec \"$0\" {redirections}")])
        .arg(&binaries.gateway)
        .env("HTTP_ADDR", format!("127.0.0.1:{http}"))
        .env("ADMIN_ADDR", format!("127.0.0.1:{admin}"))
        .env("OTEL_TRACES_EXPORTER", "none")
        .env("DRAIN_DELAY", "0s");
    let mut gateway = Process::start("gateway", &mut command)?;
    let base = format!("http://127.0.0.1:{admin}");
    gateway
        .wait_until_ready(&format!("{base}/livez"), TIMEOUT)
        .await?;
    let load = Load::get(&format!("http://127.0.0.1:{http}/"))?;
    let report = load.until(Until::Requests(100)).run().await;
    ensure!(report.succeeded() == 100, "{redirections}: {report}");
    let text = prometheus::fetch(&base).await?;
    let samples = prometheus::samples(&text);
    let failed = prometheus::value(&samples, DROPPED, "reason=\"write_failed\"");
    let failed = failed.context(redirections.to_owned())?;
    Ok((gateway.terminate(TIMEOUT).await?, failed))
}

#[tokio::test(flavor = "multi_thread")]
async fn output_that_cannot_be_written_stops_nothing_and_its_lines_are_counted() -> Result<()> {
    // With a closed stream, the standard library opens /dev/null instead.
    for (redirections, is_counted) in [
        (">/dev/full 2>/dev/full", true),
        (">&- 2>&-", false),
        (">/dev/null 2>&1", false),
    ] {
        let (status, failed) = run_with_redirections(redirections).await?;
        ensure!(status.success(), "{redirections}: {status}");
        ensure!(
            (failed > 0) == is_counted,
            "{redirections}: {failed} lines counted"
        );
    }
    Ok(())
}
