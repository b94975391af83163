//! A local system that exports to a receiver of the test's own, so that the test can
//! compare each request's trace with a contract in `tests/contracts`.

use anyhow::{Context, Result, ensure};
use trace_contract::{Expectation, Receiver, Request, Response, Source, Trace, TraceId};

use crate::contracts;
use crate::local::{System, SystemConfig};

/// The services, and the spans that they have exported.
pub struct TracedSystem {
    /// The services.
    pub system: System,
    /// The OTLP endpoint that they export to.
    pub receiver: Receiver,
}

impl TracedSystem {
    /// Starts a receiver, and the system with [`SystemConfig::new`].
    ///
    /// # Errors
    /// If either does not start.
    pub async fn start() -> Result<Self> {
        Self::with(SystemConfig::new()).await
    }

    /// Starts a receiver, and the system with this configuration.
    ///
    /// # Errors
    /// If either does not start.
    pub async fn with(config: SystemConfig) -> Result<Self> {
        let receiver = Receiver::bind("127.0.0.1:0").await?;
        let system = System::start(config.export_to(receiver.endpoint())).await?;
        Ok(Self { system, receiver })
    }

    /// A `GET` request to the gateway's public API, with a new trace.
    ///
    /// # Errors
    /// If `path` is not valid in a URL.
    pub fn get(&self, path: &str) -> Result<Request> {
        Ok(Request::get(&self.system.url(path))?)
    }

    /// Sends a request, and checks the response's status. The trace must continue the
    /// caller's and satisfy the contract.
    ///
    /// # Errors
    /// If the status or the trace differs: the difference, and the services' logs.
    pub async fn check(&self, request: &Request, status: u16, contract: &str) -> Result<Response> {
        let expectation = Expectation::continues(request.traceparent());
        let response = self.send(request, status).await?;
        let id = request.traceparent().trace_id();
        self.ensure_trace(id, contract, &expectation).await?;
        Ok(response)
    }

    /// Sends a request and checks the response's status.
    ///
    /// # Errors
    /// If there is no response, or its status differs.
    pub async fn send(&self, request: &Request, status: u16) -> Result<Response> {
        let response = request.send().await.with_context(|| self.system.report())?;
        ensure!(
            response.status.as_u16() == status,
            "{} must return status {status}, but it returned {} with {:?}\n{}",
            request.redacted(),
            response.status,
            String::from_utf8_lossy(&response.body),
            self.system.report()
        );
        Ok(response)
    }

    /// Waits until the received trace satisfies a contract.
    ///
    /// # Errors
    /// If it does not in time: the difference, and the services' logs.
    pub async fn ensure_trace(
        &self,
        id: TraceId,
        contract: &str,
        expectation: &Expectation,
    ) -> Result<Trace> {
        let source = Source::from(self.receiver.store());
        contracts::ensure_satisfied(&source, id, contract, expectation, &self.system).await
    }
}
