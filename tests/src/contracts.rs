//! The contracts in `tests/contracts`, and waiting until a trace satisfies one.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use http::HeaderMap;
use trace_contract::{Contract, Expectation, Source, Trace, TraceId, verify};

use crate::local::System;
use crate::workspace;

/// How long a trace may take to arrive on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Keeps tests short: after a trace satisfies its contract, only an undeclared span could arrive.
pub const SETTLE: Duration = Duration::from_millis(500);

/// Reads the contract of this name, such as `hello`.
///
/// # Errors
/// If there is no such file, or it is not a valid contract.
pub fn load(name: &str) -> Result<Contract> {
    Ok(Contract::load(path(name))?)
}

/// The file of the contract of this name.
pub fn path(name: &str) -> PathBuf {
    workspace().join(format!("tests/contracts/{name}.yaml"))
}

/// Waits until a trace of `system` satisfies the contract of this name.
///
/// # Errors
/// If it does not within 30 s: the differences, and the services' logs.
pub async fn ensure_satisfied(
    source: &Source,
    id: TraceId,
    contract: &str,
    expectation: &Expectation,
    system: &System,
) -> Result<Trace> {
    let contract = load(contract)?;
    let expectation = expectation.settle(SETTLE);
    match verify(source, id, &contract, &expectation, TIMEOUT).await {
        Ok(settled) => Ok(settled.trace),
        Err(error) => bail!("{error}\n{}", system.report()),
    }
}

/// The trace id in a response's `traceresponse` header.
///
/// # Errors
/// If the header is missing or malformed.
pub fn trace_id(response: &HeaderMap) -> Result<TraceId> {
    let header = response.get("traceresponse");
    let header = header.context("the response has no traceresponse header")?;
    let id = header.to_str()?.split('-').nth(1);
    Ok(id.context("the traceresponse has no trace id")?.parse()?)
}
