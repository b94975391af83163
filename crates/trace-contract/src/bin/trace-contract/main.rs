//! The command `trace-contract`: check, show and record the trace of a request.
//!
//! Exit status: 0 satisfied, 1 the trace differs, 2 it could not be checked.

mod args;
mod check;
mod failure;
mod origin;
mod record;
mod request;
mod show;
mod warm_up;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
use failure::Failure;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
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

/// Writes to the standard output; a reader that has gone is no failure of ours.
fn print(text: &str) -> Result<(), Failure> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::not_checked(format!("cannot write: {error}")))
        }
        _ => Ok(()),
    }
}
