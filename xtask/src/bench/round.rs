//! One round: all systems run, and take turns at the same load.
//!
//! The turns are short, because a machine's speed changes: by what else it does,
//! and, where it is virtual, by what its neighbours do. Within a second it is
//! the same for all three.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use ::tests::load::{Load, Report, Running, Until};
use ::tests::local::{System, SystemConfig};
use anyhow::{Context, Result, bail};
use trace_contract::Receiver;

use super::build::Programs;
use super::{Arguments, usage};

/// Spans of one `GET /hello`.
const SPANS: u64 = 8;
/// The order of each turn, by places in [`Variant::ALL`]. Over and over, each
/// system comes equally often behind each other one: a turn begins with what the
/// one before has left in the caches, and in the receiver.
const ORDERS: [[usize; 3]; 6] = [
    [0, 1, 2],
    [0, 2, 1],
    [2, 1, 0],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
];
/// Turns of each system in a round.
const TURNS: u64 = 2 * ORDERS.len() as u64;
/// How long the requests of a turn may take.
const ANSWERED_WITHIN: Duration = Duration::from_mins(5);
/// How long the last spans may take to arrive.
const ARRIVE_WITHIN: Duration = Duration::from_secs(30);

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Variant {
    /// Every span sampled and exported.
    Traced,
    /// `OTEL_SDK_DISABLED=true`.
    Untraced,
    /// axum and reqwest alone.
    Plain,
}

impl Variant {
    const ALL: [Self; 3] = [Self::Traced, Self::Untraced, Self::Plain];

    fn settings(self, receiver: &Receiver) -> SystemConfig {
        // A log line a request would be measured with it, and plain has none.
        let settings = SystemConfig::defaults().all("RUST_LOG", "warn");
        match self {
            Self::Traced => settings.export_to(receiver.endpoint()),
            Self::Untraced => settings.all("OTEL_SDK_DISABLED", "true"),
            Self::Plain => settings,
        }
    }
}

/// What one system has shown in a round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome {
    /// CPU of both services, a request.
    pub(super) cpu: Duration,
    pub(super) p50: Duration,
    pub(super) p99: Duration,
    /// The most memory of gateway and of hello, in bytes.
    pub(super) memory: [u64; 2],
}

/// What all have shown in one round.
#[derive(Clone, Debug)]
pub(super) struct Round {
    outcomes: HashMap<Variant, Outcome>,
    /// Spans that the traced system made, and those that arrived.
    pub(super) spans: (u64, u64),
}

impl Round {
    /// The outcome of a variant; every complete round has it.
    pub(super) fn of(&self, variant: Variant) -> &Outcome {
        &self.outcomes[&variant]
    }

    /// CPU of one variant in units of another's.
    pub(super) fn ratio(&self, of: Variant, to: Variant) -> f64 {
        self.of(of).cpu.as_secs_f64() / self.of(to).cpu.as_secs_f64()
    }
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cpu = |variant| self.of(variant).cpu;
        write!(
            f,
            "CPU a request traced {:.1?}, untraced {:.1?}, plain {:.1?}",
            cpu(Variant::Traced),
            cpu(Variant::Untraced),
            cpu(Variant::Plain)
        )
    }
}

/// Starts all systems, lets them take turns at the load, and measures.
pub(super) async fn round(
    programs: &Programs,
    receiver: &Receiver,
    arguments: &Arguments,
) -> Result<Round> {
    receiver.store().clear();
    let mut contestants = Vec::new();
    for variant in Variant::ALL {
        contestants.push(Contestant::start(variant, programs, receiver, arguments).await?);
    }
    let warm_up = arguments.requests / 10;
    for contestant in &contestants {
        contestant.warm_up(warm_up).await?;
    }
    arrived(receiver, warm_up).await?;

    let before: Vec<_> = contestants
        .iter()
        .map(Contestant::cpu)
        .collect::<Result<_>>()?;
    for turn in 0..TURNS {
        let share = arguments.requests * (turn + 1) / TURNS - arguments.requests * turn / TURNS;
        for contestant in in_turn(&contestants, turn) {
            contestant.load.step(share, ANSWERED_WITHIN).await?;
        }
    }
    let spans = arrived(receiver, warm_up + arguments.requests).await?;

    let mut outcomes = HashMap::new();
    for (contestant, before) in contestants.into_iter().zip(before) {
        let used = contestant.cpu()?.saturating_sub(before);
        let memory = contestant.peak_memory()?;
        let variant = contestant.variant;
        let report = contestant.end().await?;
        let outcome = Outcome {
            cpu: used / u32::try_from(arguments.requests)?,
            p50: report.p50(),
            p99: report.p99(),
            memory,
        };
        outcomes.insert(variant, outcome);
    }
    Ok(Round { outcomes, spans })
}

/// All of them, in the order of this turn.
fn in_turn<T>(all: &[T], turn: u64) -> impl Iterator<Item = &T> {
    let order = usize::try_from(turn).unwrap_or_default() % ORDERS.len();
    ORDERS[order].iter().map(|place| &all[*place])
}

/// One system, running.
struct Contestant {
    variant: Variant,
    system: System,
    /// To warm up with.
    first: Load,
    /// What is measured; its connections stay open from turn to turn.
    load: Running,
}

impl Contestant {
    async fn start(
        variant: Variant,
        programs: &Programs,
        receiver: &Receiver,
        arguments: &Arguments,
    ) -> Result<Self> {
        let settings = variant.settings(receiver).binaries(programs.of(variant));
        let system = System::start(settings).await?;
        let load = Load::get(&system.url("/hello"))?.connections(arguments.connections.into());
        Ok(Self {
            variant,
            system,
            first: load.clone(),
            load: load.start_in_steps(),
        })
    }

    /// Has so many requests answered, which do not count.
    async fn warm_up(&self, requests: u64) -> Result<()> {
        let load = self.first.clone().until(Until::Requests(requests));
        answered(load.run().await).map(drop)
    }

    /// CPU of both services since their start.
    fn cpu(&self) -> Result<Duration> {
        Ok(usage::cpu(self.system.gateway.pid())? + usage::cpu(self.system.hello.pid())?)
    }

    fn peak_memory(&self) -> Result<[u64; 2]> {
        Ok([
            usage::peak_memory(self.system.gateway.pid())?,
            usage::peak_memory(self.system.hello.pid())?,
        ])
    }

    async fn end(mut self) -> Result<Report> {
        let report = answered(self.load.stop().await)?;
        if self.variant == Variant::Plain {
            // It is as plain as that: it knows no signals.
            self.system.gateway.kill().await?;
            self.system.hello.kill().await?;
        } else {
            self.system.terminate().await?;
        }
        Ok(report)
    }
}

fn answered(report: Report) -> Result<Report> {
    if report.failed() > 0 {
        bail!("under load not every request was answered: {report}");
    }
    Ok(report)
}

/// Waits for every span of so many traced requests; says how many should come
/// and came. What is not traced sends none.
async fn arrived(receiver: &Receiver, requests: u64) -> Result<(u64, u64)> {
    let expected = requests * SPANS;
    let store = receiver.store();
    let all = store.wait_for("every span to arrive", ARRIVE_WITHIN, |store| {
        store.span_count() >= expected
    });
    all.await.context("spans were lost")?;
    let came = store.span_count();
    if came > expected {
        bail!(
            "{came} spans came where {expected} were made: a system that is not traced sends some"
        );
    }
    Ok((expected, came))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_comes_behind_each_other_equally_often() {
        let turns = (0..TURNS).flat_map(|turn| in_turn(&Variant::ALL, turn));
        let all: Vec<_> = turns.copied().collect();
        let mut behind = HashMap::new();
        for pair in all.iter().zip(all.iter().cycle().skip(1)) {
            *behind.entry(pair).or_insert(0) += 1;
        }
        assert_eq!(behind.len(), 6, "none comes behind itself: {behind:?}");
        let often = u64::try_from(all.len()).unwrap() / 6;
        assert!(behind.values().all(|times| *times == often), "{behind:?}");
    }
}
