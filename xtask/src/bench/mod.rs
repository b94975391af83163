//! `bench`: what tracing costs on this machine.
//!
//! Two systems of the same programs take turns at the same load: traced (every span
//! is sampled and exported to a receiver in this process) and untraced
//! (`OTEL_SDK_DISABLED=true`). Each round starts both, warms them up, and lets them
//! serve the same number of requests. CPU time is that of gateway and hello, as the
//! kernel counts it, until the last span has arrived. Only the two systems of one
//! round are compared; the table shows the median and the spread of all rounds.
//!
//! `bench --instructions` counts instructions instead of time.

mod build;
mod cold_start;
mod instructions;
mod round;
mod table;
mod usage;

use anyhow::{Result, bail};
use clap::Args;
use trace_contract::Receiver;

use crate::console;
use crate::interrupt::Interrupts;
use table::Table;

/// Measure what tracing costs, and check the limits
///
/// Measures CPU time per request (gateway and hello together), traced and untraced,
/// in rounds in which both take turns; also latency, memory, cold start and the size
/// of the programs. Every span must arrive. All programs are release builds. The exit
/// status is 1 when a limit is exceeded. Other load on the machine distorts the results.
#[derive(Args, Clone)]
pub(crate) struct Arguments {
    /// Number of rounds
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,

    /// Requests per system and round, after a tenth as many to warm up
    #[arg(long, default_value_t = 40_000, value_parser = clap::value_parser!(u64).range(100..=1_000_000))]
    requests: u64,

    /// Connections that each send the next request after the previous response
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1000))]
    connections: u16,

    /// Count instructions per request instead, with valgrind's callgrind
    ///
    /// Counts gateway and hello together: traced, untraced, and with 1 % of the traces
    /// sampled. Takes some minutes. The exit status is 1 when a limit is exceeded.
    #[arg(long, conflicts_with_all = ["rounds", "requests", "connections"])]
    instructions: bool,

    /// Exit with status 0 even if a limit is exceeded
    #[arg(long, alias = "no-bars")]
    no_limits: bool,
}

pub(crate) async fn run(arguments: Arguments, mut interrupts: Interrupts) -> Result<bool> {
    let within_limits = if arguments.instructions {
        interrupts.or(instructions::run()).await?
    } else {
        if !cfg!(target_os = "linux") {
            bail!("bench reads /proc, which only Linux has");
        }
        if cfg!(debug_assertions) {
            // The load and the receiver share this machine with what is measured.
            return Err(interrupts.or(build::restart_in_release()).await?);
        }
        let table = interrupts.or(measure(&arguments)).await?;
        print!("\n{table}");
        table.is_within_limits()
    };
    Ok(arguments.no_limits || within_limits)
}

async fn measure(arguments: &Arguments) -> Result<Table> {
    let Arguments {
        rounds: count,
        requests,
        connections,
        ..
    } = *arguments;
    let services = build::services().await?;
    let receiver = Receiver::bind("127.0.0.1:0").await?;
    // Spans are only counted here; other tests check their content.
    receiver.store().keep(0);
    let mut rounds = Vec::new();
    for number in 1..=count {
        let round = round::run(&services, &receiver, requests, connections).await?;
        console::progress(format!("round {number} of {count}: {round}"));
        rounds.push(round);
    }
    let cold_starts = cold_start::measure(&services, &receiver.endpoint()).await?;
    let title = format!("{count} rounds of {requests} requests on {connections} connections");
    Table::new(&title, &rounds, &cold_starts, &services)
}
