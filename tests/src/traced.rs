//! A local system that exports to a receiver of its own, and its requests held
//! to the contracts in `tests/contracts`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use trace_contract::{
    Answer, Contract, Expectation, Receiver, Request, Source, Trace, TraceId, verify,
};

use crate::local::{System, SystemSettings};
use crate::workspace;

/// How long a trace may take to arrive on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Gateway and hello, and what arrived of their spans.
pub struct Traced {
    /// The services.
    pub system: System,
    /// Where they export to.
    pub receiver: Receiver,
}

impl Traced {
    /// Starts a receiver, and the system with the services' own defaults.
    ///
    /// # Errors
    /// When either cannot start.
    pub async fn start() -> Result<Self> {
        Self::with(SystemSettings::new()).await
    }

    /// Starts a receiver, and the system with these settings.
    ///
    /// # Errors
    /// When either cannot start.
    pub async fn with(settings: SystemSettings) -> Result<Self> {
        let receiver = Receiver::bind("127.0.0.1:0").await?;
        let system = System::start(settings.export_to(receiver.endpoint())).await?;
        Ok(Self { system, receiver })
    }

    /// A `GET` of the gateway's public API, with a trace of its own.
    ///
    /// # Errors
    /// When `path` makes no URL.
    pub fn get(&self, path: &str) -> Result<Request> {
        Ok(Request::get(&self.system.url(path))?)
    }

    /// Sends a request, and holds the answer to `status` and its trace, as a
    /// continuation of the caller's, to a contract.
    ///
    /// # Errors
    /// When anything is otherwise; the error has the difference and the services' logs.
    pub async fn check(&self, request: &Request, status: u16, contract: &str) -> Result<Answer> {
        let expectation = Expectation::continues(request.sent_as());
        let answer = self.send(request, status).await?;
        let id = request.sent_as().trace_id();
        self.hold(id, contract, &expectation).await?;
        Ok(answer)
    }

    /// Sends a request, and holds the answer to `status` and the trace that its
    /// `traceresponse` names to a contract.
    ///
    /// # Errors
    /// When anything is otherwise; the error has the difference and the services' logs.
    pub async fn check_answered(
        &self,
        request: &Request,
        status: u16,
        contract: &str,
        expectation: &Expectation,
    ) -> Result<Trace> {
        let answer = self.send(request, status).await?;
        let id = trace_of(&answer)?;
        self.hold(id.parse()?, contract, expectation).await
    }

    /// Sends a request and holds the answer to `status`.
    ///
    /// # Errors
    /// When there is no answer, or another one.
    pub async fn send(&self, request: &Request, status: u16) -> Result<Answer> {
        let answer = request.send().await.with_context(|| self.system.report())?;
        if answer.status.as_u16() != status {
            let body = String::from_utf8_lossy(&answer.body).into_owned();
            bail!(
                "expected status {status}, got {} with {body:?}\n{}",
                answer.status,
                self.system.report()
            );
        }
        Ok(answer)
    }

    /// Waits until a trace is what a contract says.
    ///
    /// # Errors
    /// When it is not in time; the error has the difference and the services' logs.
    pub async fn hold(
        &self,
        id: TraceId,
        contract: &str,
        expectation: &Expectation,
    ) -> Result<Trace> {
        let source = Source::from(self.receiver.store());
        hold(&source, id, contract, expectation, &self.system).await
    }

    /// Posts a JSON text to a URL, for the fault switch.
    ///
    /// # Errors
    /// When it is not answered with a success.
    pub async fn set_faults(&self, faults: &str) -> Result<()> {
        let url = format!("{}/faults", self.system.hello.admin_url());
        let client = reqwest::Client::new();
        let request = client.post(&url).header("content-type", "application/json");
        let response = request.body(faults.to_owned()).send().await?;
        if !response.status().is_success() {
            bail!("{url} answered {} to {faults}", response.status());
        }
        Ok(())
    }
}

/// Waits until a trace of `system`, wherever it is kept, is what a contract says.
///
/// # Errors
/// When it is not in time; the error has the difference and the services' logs.
pub async fn hold(
    source: &Source,
    id: TraceId,
    contract: &str,
    expectation: &Expectation,
    system: &System,
) -> Result<Trace> {
    let contract = load(contract)?;
    match verify(source, id, &contract, expectation, PATIENCE).await {
        Ok(trace) => Ok(trace),
        Err(error) => bail!("{error}\n{}", system.report()),
    }
}

/// The trace id in the answer's `traceresponse`.
///
/// # Errors
/// When the answer has none.
pub fn trace_of(answer: &Answer) -> Result<String> {
    let header = answer.headers.get("traceresponse");
    let header = header
        .context("the answer has no traceresponse")?
        .to_str()?;
    let id = header.split('-').nth(1);
    Ok(id.context("the traceresponse names no trace")?.to_owned())
}

/// A contract of `tests/contracts`, by its name.
///
/// # Errors
/// When there is none, or it cannot be used.
pub fn load(contract: &str) -> Result<Contract> {
    Ok(Contract::load(path(contract))?)
}

/// Where a contract of `tests/contracts` is.
pub fn path(contract: &str) -> PathBuf {
    workspace().join(format!("tests/contracts/{contract}.yaml"))
}
