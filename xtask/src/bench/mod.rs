//! `bench`: what tracing costs, in one run on this machine.
//!
//! Three systems of the same two programs take turns: traced (every span
//! sampled and exported to a receiver in this process), untraced
//! (`OTEL_SDK_DISABLED=true`), and plain (axum and reqwest alone, with the
//! allocator that Rust takes by itself; the services have that of the images). In each round
//! all are started anew, warmed up, and take short turns at the same number of
//! requests; who is first changes from turn to turn. CPU is that of gateway and hello
//! alone, as the kernel counts it, until the last span has arrived. What is compared is the
//! ratio within a round; the table has the median of all rounds, and their spread.

mod build;
mod cold;
mod instructions;
mod round;
mod table;
mod usage;

use anyhow::{Result, bail};
use clap::Args;
use trace_contract::Receiver;

use crate::console;
use crate::interrupt::Interrupts;
use build::Programs;
use round::Variant;
use table::Table;

/// Measure what tracing costs, with the bars that it must keep to
///
/// CPU a request (of gateway and hello together) traced, untraced, and with axum
/// and reqwest alone, in rounds in which they take turns; that every span arrives;
/// latency, cold start, memory, and the size of the programs; all built in
/// release. The exit status is 1 where a bar is missed. Let nothing else run.
#[derive(Args, Clone)]
pub(crate) struct Arguments {
    /// Rounds, in each of which all three systems take turns
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,

    /// Requests that each answers in a round, after a tenth as many to warm up
    #[arg(long, default_value_t = 40_000, value_parser = clap::value_parser!(u64).range(100..=1_000_000))]
    requests: u64,

    /// Connections that send the next request when the last one is answered
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1000))]
    connections: u16,

    /// Count instructions per request instead, under valgrind's callgrind
    ///
    /// Counts gateway and hello together: traced, untraced, and with 1 % of traces
    /// sampled. Takes some minutes. The exit status is 1 when a limit is exceeded.
    #[arg(long, exclusive = true)]
    instructions: bool,

    /// Only print: a bar that is missed is no failure
    #[arg(long)]
    no_bars: bool,
}

pub(crate) async fn run(arguments: Arguments, mut interrupts: Interrupts) -> Result<bool> {
    if !cfg!(target_os = "linux") {
        bail!("bench reads /proc, which only Linux has");
    }
    if arguments.instructions {
        return interrupts.or(instructions::run()).await;
    }
    if cfg!(debug_assertions) {
        // The load and the receiver share this machine with what is measured.
        return Err(interrupts.or(build::again_in_release()).await?);
    }
    let table = interrupts.or(measure(&arguments)).await?;
    print!("\n{table}");
    Ok(arguments.no_bars || table.met())
}

async fn measure(arguments: &Arguments) -> Result<Table> {
    let programs = Programs::build().await?;
    let receiver = Receiver::bind("127.0.0.1:0").await?;
    // Spans are counted; what they hold is the contracts' business.
    receiver.store().keep(0);
    let mut rounds = Vec::new();
    for number in 1..=arguments.rounds {
        let round = round::round(&programs, &receiver, arguments).await?;
        console::progress(format!("round {number} of {}: {round}", arguments.rounds));
        rounds.push(round);
    }
    let cold = cold::starts(&programs.services, &receiver.endpoint()).await?;
    Table::new(arguments, &rounds, &cold, &programs.services)
}
