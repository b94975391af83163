//! The recipes of this repository. People and CI call the same ones.

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

/// The recipes of onetrace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Arguments {
    #[command(subcommand)]
    recipe: Recipe,
}

/// What each does is said at its arguments.
#[derive(Subcommand)]
enum Recipe {
    Demo(demo::Arguments),
    Up(up::Arguments),
    Test(test::Arguments),
    E2e(e2e::Arguments),
    Image(image::Arguments),
    Chart(chart::Arguments),
    Bench(bench::Arguments),
    Release(release::Arguments),
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
        Recipe::E2e(arguments) => e2e::run(arguments, interrupts).await,
        Recipe::Image(arguments) => image::run(arguments, interrupts).await,
        Recipe::Chart(arguments) => chart::run(arguments, interrupts).await,
        Recipe::Bench(arguments) => bench::run(arguments, interrupts).await,
        Recipe::Release(arguments) => release::run(arguments, interrupts).await,
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
