//! The command `trace-contract`: checks, shows and records the trace of a request.
//!
//! Exit status: 0 the contract is satisfied, 1 the trace differs, 2 it could not be
//! checked.

mod args;
mod check;
mod failure;
mod input;
mod output;
mod record;
mod show;
mod target;
mod warm_up;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
use failure::Failure;
use output::print;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Differs(report)) => {
            // If this fails, the exit status still reports the difference.
            let _ = print(&format!("{report}\n"));
            ExitCode::from(1)
        }
        Err(Failure::NotChecked(message)) => {
            eprintln!("trace-contract: {message}");
            ExitCode::from(2)
        }
    }
}

async fn run(args: Args) -> Result<(), Failure> {
    match args.command {
        Command::Check(args) => check::run(args).await,
        Command::Show(args) => show::run(args).await,
        Command::Record(args) => record::run(args).await,
        Command::Schema => print(&trace_contract::contract::json_schema()),
    }
}
