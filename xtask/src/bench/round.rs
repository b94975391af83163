//! One round: both systems run and take turns at the same load.
//!
//! The turns are short, because the speed of a machine changes with its other work.
//! Within a second it is the same for both.

use std::fmt;
use std::time::Duration;

use ::tests::load::{Load, Report, Running, Until};
use ::tests::local::{Binaries, System, SystemConfig};
use anyhow::{Context, Result, ensure};
use trace_contract::Receiver;

use super::usage;

/// Spans of one `GET /hello`.
const SPANS: u64 = 8;
/// Turns of each system in a round.
const TURNS: u64 = 12;
/// How long the requests of one turn may take.
const TURN_TIMEOUT: Duration = Duration::from_mins(5);
/// How long the last spans may take to arrive.
const ARRIVAL_TIMEOUT: Duration = Duration::from_secs(30);

/// What one system used in a round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measurement {
    /// CPU time of both services per request.
    pub(super) cpu: Duration,
    pub(super) p50: Duration,
    pub(super) p99: Duration,
    /// The peak memory of gateway and of hello, in bytes.
    pub(super) memory: [u64; 2],
}

/// The measurements of one round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round {
    /// Every span sampled and exported.
    pub(super) traced: Measurement,
    /// With `OTEL_SDK_DISABLED=true`.
    pub(super) untraced: Measurement,
    /// Spans that the traced system exported.
    pub(super) spans: u64,
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (traced, untraced) = (self.traced.cpu, self.untraced.cpu);
        write!(
            f,
            "CPU per request: traced {traced:.1?}, untraced {untraced:.1?}"
        )
    }
}

/// Starts both systems and measures them.
///
/// # Errors
/// If a request fails or a span is lost.
pub(super) async fn run(
    services: &Binaries,
    receiver: &Receiver,
    requests: u64,
    connections: u16,
) -> Result<Round> {
    receiver.store().clear();
    // A log line per request would be measured, too.
    let config = SystemConfig::defaults()
        .binaries(services)
        .all("RUST_LOG", "warn");
    let traced = config.clone().export_to(receiver.endpoint());
    let untraced = config.all("OTEL_SDK_DISABLED", "true");
    let traced = Subject::start(traced, connections).await?;
    let untraced = Subject::start(untraced, connections).await?;

    let warm_up = requests / 10;
    traced.warm_up(warm_up).await?;
    untraced.warm_up(warm_up).await?;
    wait_for_spans(receiver, warm_up).await?;

    let cpu_before = [traced.cpu()?, untraced.cpu()?];
    for turn in 0..TURNS {
        let share = requests * (turn + 1) / TURNS - requests * turn / TURNS;
        // Each system is first in half of the turns.
        let order = match turn % 2 {
            0 => [&traced, &untraced],
            _ => [&untraced, &traced],
        };
        for subject in order {
            subject.load.step(share, TURN_TIMEOUT).await?;
        }
    }
    let spans = wait_for_spans(receiver, warm_up + requests).await?;
    Ok(Round {
        traced: traced.finish(cpu_before[0], requests).await?,
        untraced: untraced.finish(cpu_before[1], requests).await?,
        spans,
    })
}

/// A running system under load.
struct Subject {
    system: System,
    warm_up: Load,
    /// The measured load; its connections stay open from turn to turn.
    load: Running,
}

impl Subject {
    async fn start(config: SystemConfig, connections: u16) -> Result<Self> {
        let system = System::start(config).await?;
        let load = Load::get(&system.url("/hello"))?.connections(connections.into());
        Ok(Self {
            system,
            warm_up: load.clone(),
            load: load.start_in_steps(),
        })
    }

    async fn warm_up(&self, requests: u64) -> Result<()> {
        let load = self.warm_up.clone().until(Until::Requests(requests));
        all_succeeded(load.run().await).map(drop)
    }

    /// CPU time of both services since their start.
    fn cpu(&self) -> Result<Duration> {
        Ok(usage::cpu(self.system.gateway.pid())? + usage::cpu(self.system.hello.pid())?)
    }

    async fn finish(mut self, cpu_before: Duration, requests: u64) -> Result<Measurement> {
        let cpu = self.cpu()?.saturating_sub(cpu_before) / u32::try_from(requests)?;
        let memory = [
            usage::peak_memory(self.system.gateway.pid())?,
            usage::peak_memory(self.system.hello.pid())?,
        ];
        let report = all_succeeded(self.load.stop().await)?;
        self.system.terminate().await?;
        Ok(Measurement {
            cpu,
            p50: report.p50(),
            p99: report.p99(),
            memory,
        })
    }
}

fn all_succeeded(report: Report) -> Result<Report> {
    ensure!(report.failed() == 0, "requests failed under load: {report}");
    Ok(report)
}

/// Waits for every span of this many traced requests and returns their number.
async fn wait_for_spans(receiver: &Receiver, requests: u64) -> Result<u64> {
    let expected = requests * SPANS;
    let store = receiver.store();
    let all = store.wait_for("every span to arrive", ARRIVAL_TIMEOUT, |store| {
        store.span_count() >= expected
    });
    all.await.context("spans were lost")?;
    let actual = store.span_count();
    ensure!(
        actual == expected,
        "{actual} spans arrived, expected {expected}"
    );
    Ok(actual)
}
