//! One request, its answer, and its trace held to the contract.

use std::path::PathBuf;
use std::time::Duration;

use ::tests::workspace;
use anyhow::{Context, Result};
use trace_contract::{Contract, Expectation, Request, Source, verify};

use crate::console;

const CONTRACT: &str = "tests/contracts/hello.yaml";
/// How long the trace may take: a first request, a first export, a busy machine.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(20);

/// Sends `GET url` with a trace of its own, prints the answer and the waterfall,
/// and says whether the contract is satisfied.
pub(crate) async fn hello(url: &str, source: &Source, timeout: Duration) -> Result<bool> {
    let path: PathBuf = workspace().join(CONTRACT);
    let contract = Contract::load(&path)?;
    let request = Request::get(url)?;
    println!("\n{}", request.redacted());
    println!("traceparent: {}\n", request.traceparent());
    let answer = request.send().await.context("the first request")?;
    println!("{}\n", String::from_utf8_lossy(&answer.body).trim_end());
    if !answer.status.is_success() {
        println!("answered {}, which is no greeting", answer.status);
        return Ok(false);
    }
    let caller = request.traceparent();
    let expectation = Expectation::continues(caller);
    let id = caller.trace_id();
    match verify(source, id, &contract, &expectation, timeout).await {
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

#[cfg(test)]
mod tests {
    use ::tests::local::{System, SystemConfig};
    use trace_contract::Receiver;

    use super::*;

    async fn check(settings: SystemConfig) -> bool {
        let receiver = Receiver::bind("127.0.0.1:0").await.unwrap();
        let settings = settings.export_to(receiver.endpoint());
        let system = System::start(settings).await.unwrap();
        let source = receiver.store().into();
        let timeout = Duration::from_secs(3);
        hello(&system.url("/hello"), &source, timeout)
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn a_broken_trace_is_no_success() {
        let whole = SystemConfig::new();
        assert!(check(whole.clone()).await, "the system as it is");
        assert!(
            !check(whole.hello("OTEL_PROPAGATORS", "none")).await,
            "hello does not continue the gateway's trace"
        );
    }

    #[tokio::test]
    async fn a_failed_request_is_no_success() {
        let nowhere = SystemConfig::new().gateway("HELLO_URL", "http://127.0.0.1:1");
        assert!(!check(nowhere).await, "hello cannot be reached");
    }
}
