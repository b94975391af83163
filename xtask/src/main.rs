//! The commands of this repository. Developers and CI run the same ones.

mod bench;
mod chart;
mod check;
mod console;
mod demo;
mod e2e;
mod image;
mod interrupt;
mod program;
mod release;
mod test;
mod up;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use interrupt::{Interrupted, Interrupts};

/// The commands of onetrace
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Arguments),
    Up(up::Arguments),
    Test(test::Arguments),
    E2e(e2e::Arguments),
    Image(image::Arguments),
    Chart(chart::Arguments),
    Bench(bench::Arguments),
    Release(release::Arguments),
}

/// The exit status that shells use for a program that Ctrl-C has stopped.
const INTERRUPTED: u8 = 130;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.command).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) if error.is::<Interrupted>() => ExitCode::from(INTERRUPTED),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether all checks of the command passed, or an error if it could not run them.
async fn run(command: Command) -> Result<bool> {
    let interrupts = Interrupts::new()?;
    match command {
        Command::Demo(arguments) => demo::run(arguments, interrupts).await,
        Command::Up(arguments) => up::run(arguments, interrupts).await,
        Command::Test(arguments) => test::run(arguments, interrupts).await,
        Command::E2e(arguments) => e2e::run(arguments, interrupts).await,
        Command::Image(arguments) => image::run(arguments, interrupts).await,
        Command::Chart(arguments) => chart::run(arguments, interrupts).await,
        Command::Bench(arguments) => bench::run(arguments, interrupts).await,
        Command::Release(arguments) => release::run(arguments, interrupts).await,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_valid_for_clap() {
        Arguments::command().debug_assert();
    }
}
