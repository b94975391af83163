//! Sends one request and verifies its trace against the contract.

use std::path::PathBuf;
use std::time::Duration;

use ::tests::contracts::SETTLE;
use ::tests::workspace;
use anyhow::{Context, Result};
use trace_contract::{Contract, Expectation, Request, Source, verify};

use crate::console;

const CONTRACT: &str = "tests/contracts/hello.yaml";
/// How long the trace may take to be complete, on a busy machine.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(20);

/// Sends `GET url` with a new `traceparent`, prints the response and the waterfall of
/// the trace, and returns whether the trace satisfies the contract.
///
/// # Errors
/// If no response arrives, or the trace cannot be read.
pub(crate) async fn hello(url: &str, source: &Source, timeout: Duration) -> Result<bool> {
    let path: PathBuf = workspace().join(CONTRACT);
    let contract = Contract::load(&path)?;
    let request = Request::get(url)?;
    println!("\n{}", request.redacted());
    println!("traceparent: {}\n", request.traceparent());
    let response = request.send().await.context("the first request")?;
    println!("{}\n", String::from_utf8_lossy(&response.body).trim_end());
    if !response.status.is_success() {
        println!("the response is {}, not a greeting", response.status);
        return Ok(false);
    }
    let caller = request.traceparent();
    let expectation = Expectation::continues(caller).settle(SETTLE);
    let id = caller.trace_id();
    match verify(source, id, &contract, &expectation, timeout).await {
        Ok(settled) => {
            println!("{}\n", console::waterfall(&settled.trace));
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

#[cfg(test)]
mod tests {
    use ::tests::local::{System, SystemConfig};
    use trace_contract::Receiver;

    use super::*;

    async fn check(config: SystemConfig) -> bool {
        let receiver = Receiver::bind("127.0.0.1:0").await.unwrap();
        let config = config.export_to(receiver.endpoint());
        let system = System::start(config).await.unwrap();
        let source = receiver.store().into();
        let timeout = Duration::from_secs(3);
        hello(&system.url("/hello"), &source, timeout)
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn a_broken_trace_does_not_satisfy_the_contract() {
        let config = SystemConfig::new();
        assert!(
            check(config.clone()).await,
            "the trace of an unchanged system"
        );
        assert!(
            !check(config.hello("OTEL_PROPAGATORS", "none")).await,
            "hello must continue the gateway's trace"
        );
    }

    #[tokio::test]
    async fn a_failed_request_is_a_failure() {
        let config = SystemConfig::new().gateway("HELLO_URL", "http://127.0.0.1:1");
        assert!(!check(config).await, "hello is unreachable");
    }
}
