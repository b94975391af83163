//! One request, its answer, and its trace held to the contract.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use tests::workspace;
use trace_contract::{Contract, Expectation, Request, Source, verify};

use crate::console;

const CONTRACT: &str = "tests/contracts/hello.yaml";
/// A first request, a first export, a busy machine.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Sends `GET url` with a trace of its own, prints the answer and the waterfall,
/// and says whether the contract is satisfied.
pub(crate) async fn hello(url: &str, source: &Source) -> Result<bool> {
    let path: PathBuf = workspace().join(CONTRACT);
    let contract = Contract::load(&path)?;
    let request = Request::get(url)?;
    println!("\n{}", request.shown());
    println!("traceparent: {}\n", request.sent_as());
    let answer = request.send().await.context("the first request")?;
    println!("{}\n", String::from_utf8_lossy(&answer.body).trim_end());
    if !answer.status.is_success() {
        println!("answered {}, which is no greeting", answer.status);
        return Ok(false);
    }
    let caller = request.sent_as();
    let expectation = Expectation::continues(caller);
    let id = caller.trace_id();
    match verify(source, id, &contract, &expectation, TIMEOUT).await {
        Ok(trace) => {
            println!("{}\n", console::waterfall(&trace));
            println!("contract satisfied: {CONTRACT}");
            Ok(true)
        }
        Err(error) if error.differs() => {
            println!("contract not satisfied: {CONTRACT}\n\n{error}");
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}
