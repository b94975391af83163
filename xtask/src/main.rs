//! The recipes of this repository. People and CI call the same ones.

mod bench;
mod check;
mod console;
mod demo;
mod interrupt;
mod test;
mod up;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use interrupt::{Interrupted, Interrupts};

/// The recipes of onetrace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Arguments {
    #[command(subcommand)]
    recipe: Recipe,
}

#[derive(Subcommand)]
enum Recipe {
    /// Run gateway and hello, send one request, and hold its trace to its contract. Rust is enough
    Demo(demo::Arguments),
    /// Run gateway and hello with the real Collector and Jaeger, until Ctrl-C
    Up(up::Arguments),
    /// Run every test that needs no cluster; the last line counts them
    Test(test::Arguments),
    /// Measure what tracing costs, with the bars that it must keep to
    Bench(bench::Arguments),
}

/// As a shell says it of what Ctrl-C has ended.
const INTERRUPTED: u8 = 130;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.recipe).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) if error.is::<Interrupted>() => ExitCode::from(INTERRUPTED),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all is as it should be; an error when that could not be found out.
async fn run(recipe: Recipe) -> Result<bool> {
    let interrupts = Interrupts::new()?;
    match recipe {
        Recipe::Demo(arguments) => demo::run(arguments, interrupts).await,
        Recipe::Up(arguments) => up::run(arguments, interrupts).await,
        Recipe::Test(arguments) => test::run(arguments, interrupts).await,
        Recipe::Bench(arguments) => bench::run(arguments, interrupts).await,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn clap_accepts_the_arguments_as_declared() {
        Arguments::command().debug_assert();
    }
}
