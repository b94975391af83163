//! One round: each system takes its turn at the same load.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use ::tests::load::{Load, Report, Until};
use ::tests::local::{Binaries, System, SystemSettings};
use anyhow::{Context, Result, bail};
use trace_contract::Receiver;

use super::{Arguments, usage};

/// Spans of one `GET /hello`.
const SPANS: u64 = 8;
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

    /// All of them, another one first in each round, so that none profits from
    /// how the machine changes.
    pub(super) fn in_turn(round: u32) -> impl Iterator<Item = Self> {
        let first = round as usize % Self::ALL.len();
        Self::ALL
            .into_iter()
            .cycle()
            .skip(first)
            .take(Self::ALL.len())
    }

    fn settings(self, receiver: &Receiver) -> SystemSettings {
        // A log line a request would be measured with it, and plain has none.
        let settings = SystemSettings::plain().all("RUST_LOG", "warn");
        match self {
            Self::Traced => settings.export_to(receiver.endpoint()),
            Self::Untraced => settings.all("OTEL_SDK_DISABLED", "true"),
            Self::Plain => settings,
        }
    }
}

/// What one system's turn has shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    /// CPU of both services, a request.
    pub(super) cpu: Duration,
    pub(super) p50: Duration,
    pub(super) p99: Duration,
    /// The most memory of gateway and of hello, in bytes.
    pub(super) memory: [u64; 2],
    /// Spans that were made, and those that arrived.
    pub(super) spans: (u64, u64),
}

/// The turns of one round.
#[derive(Clone, Debug, Default)]
pub(super) struct Round(HashMap<Variant, Turn>);

impl Round {
    pub(super) fn insert(&mut self, variant: Variant, turn: Turn) {
        self.0.insert(variant, turn);
    }

    /// The turn of a variant; every complete round has it.
    pub(super) fn turn(&self, variant: Variant) -> &Turn {
        &self.0[&variant]
    }

    /// CPU of one variant in units of another's.
    pub(super) fn ratio(&self, of: Variant, to: Variant) -> f64 {
        self.turn(of).cpu.as_secs_f64() / self.turn(to).cpu.as_secs_f64()
    }
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cpu = |variant| self.turn(variant).cpu;
        write!(
            f,
            "CPU a request traced {:.0?}, untraced {:.0?}, plain {:.0?}",
            cpu(Variant::Traced),
            cpu(Variant::Untraced),
            cpu(Variant::Plain)
        )
    }
}

/// Starts a system, puts the load on it, and measures.
pub(super) async fn turn(
    variant: Variant,
    binaries: &Binaries,
    receiver: &Receiver,
    arguments: &Arguments,
) -> Result<Turn> {
    receiver.store().clear();
    let settings = variant.settings(receiver).binaries(binaries);
    let mut system = System::start(settings).await?;
    let load = Load::get(&system.url("/hello"))?.connections(arguments.connections.into());
    let warm_up = arguments.requests / 10;
    answered(load.clone().until(Until::Requests(warm_up)).run().await)?;
    arrived(variant, receiver, warm_up).await?;

    let before = cpu(&system)?;
    let report = load.until(Until::Requests(arguments.requests)).run().await;
    let report = answered(report)?;
    let all = warm_up + arguments.requests;
    let spans = arrived(variant, receiver, all).await?;
    let used = cpu(&system)?.saturating_sub(before);

    let memory = [
        usage::peak_memory(system.gateway.pid())?,
        usage::peak_memory(system.hello.pid())?,
    ];
    if variant == Variant::Plain {
        // It is as plain as that: it knows no signals.
        system.gateway.kill().await?;
        system.hello.kill().await?;
    } else {
        system.terminate().await?;
    }
    Ok(Turn {
        cpu: used / u32::try_from(arguments.requests)?,
        p50: report.p50(),
        p99: report.p99(),
        memory,
        spans,
    })
}

fn answered(report: Report) -> Result<Report> {
    if report.failed() > 0 {
        bail!("under load not every request was answered: {report}");
    }
    Ok(report)
}

/// Waits for every span of so many requests; says how many should come and came.
async fn arrived(variant: Variant, receiver: &Receiver, requests: u64) -> Result<(u64, u64)> {
    if variant != Variant::Traced {
        let strays = receiver.store().span_count();
        if strays > 0 {
            bail!("{strays} spans came from a system that is not traced");
        }
        return Ok((0, 0));
    }
    let expected = requests * SPANS;
    let store = receiver.store();
    let all = store.wait_for("every span to arrive", ARRIVE_WITHIN, |store| {
        store.span_count() >= expected
    });
    all.await.context("spans were lost")?;
    Ok((expected, store.span_count()))
}

fn cpu(system: &System) -> Result<Duration> {
    Ok(usage::cpu(system.gateway.pid())? + usage::cpu(system.hello.pid())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_first_in_turn_and_all_take_part() {
        for round in 0..6 {
            let turns: Vec<_> = Variant::in_turn(round).collect();
            assert_eq!(turns[0], Variant::ALL[round as usize % 3]);
            assert!(
                Variant::ALL.iter().all(|it| turns.contains(it)),
                "{turns:?}"
            );
        }
    }
}
