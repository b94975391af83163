//! Requests to a release, and their traces in its Jaeger.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use futures_util::future::try_join_all;
use tokio::time::Instant;
use trace_contract::{Expectation, Jaeger, Request, Source, Trace, verify};

use super::release::Release;
use crate::{contracts, wait};

/// Concurrent requests of one round of warming up.
const WARM_UP_REQUESTS: usize = 20;
/// Less than the gateway's timeout for one attempt.
const FIRST_ATTEMPT: Duration = Duration::from_millis(1500);
/// How long a trace may take until it is in Jaeger, on a busy machine.
const TIMEOUT: Duration = Duration::from_mins(1);

impl Release {
    /// A `GET` request to the gateway's public API, by port-forward.
    ///
    /// # Errors
    /// If `path` does not make a valid URL.
    pub fn get(&self, path: &str) -> Result<Request> {
        Ok(Request::get(&format!("{}{path}", self.gateway.url()))?)
    }

    /// A client of the release's Jaeger, by port-forward.
    ///
    /// # Errors
    /// If the HTTP client cannot be created.
    pub fn jaeger(&self) -> Result<Jaeger> {
        Ok(Jaeger::new(&self.jaeger.url())?)
    }

    /// Sends a request and ensures that the response has `status`.
    ///
    /// # Errors
    /// If there is no response, or it has another status.
    pub async fn send(&self, request: &Request, status: u16) -> Result<()> {
        let response = request.send().await?;
        ensure!(
            response.status.as_u16() == status,
            "the response to {} must have the status {status}, not {}: {}",
            request.redacted(),
            response.status,
            String::from_utf8_lossy(&response.body)
        );
        Ok(())
    }

    /// Sends a request and ensures that the response has `status`. Then waits until the
    /// trace in Jaeger, which must continue the caller's, satisfies a contract of
    /// `tests/contracts`.
    ///
    /// # Errors
    /// If the status is another one, or the trace differs after a minute.
    pub async fn check(&self, request: &Request, status: u16, contract: &str) -> Result<Trace> {
        self.send(request, status).await?;
        let contract = contracts::load(contract)?;
        let sent = request.traceparent();
        let expectation = Expectation::continues(sent).settle(contracts::SETTLE);
        let source = Source::from(self.jaeger()?);
        match verify(&source, sent.trace_id(), &contract, &expectation, TIMEOUT).await {
            Ok(settled) => Ok(settled.trace),
            Err(error) => bail!("{}: {error}", request.redacted()),
        }
    }

    /// Sends rounds of concurrent requests until all calls of one round succeed at the first
    /// attempt. Network policies allow connections from a new pod shortly after it has become
    /// ready. Until then calls are retried, which contracts with one call do not allow.
    ///
    /// # Errors
    /// If that takes longer than a minute.
    pub async fn warm_up(&self) -> Result<()> {
        let what = "all calls to succeed at the first attempt";
        wait::until(what, TIMEOUT, async || {
            let started_at = Instant::now();
            let requests =
                (0..WARM_UP_REQUESTS).map(async |_| self.send(&self.get("/hello")?, 200).await);
            try_join_all(requests).await?;
            let elapsed = started_at.elapsed();
            ensure!(elapsed < FIRST_ATTEMPT, "responses after {elapsed:.1?}");
            Ok(())
        })
        .await
    }

    /// Sets the faults of every pod of hello, which must have `FAULTS` enabled.
    ///
    /// # Errors
    /// If a pod does not respond with 200.
    pub async fn set_faults(&self, faults: &str) -> Result<()> {
        for pod in self.ready_pods("hello").await? {
            let forward = self.forward_admin("hello", &pod).await?;
            let request = Request::get(&format!("{}/faults", forward.url()))?
                .method("POST")?
                .header("content-type: application/json")?
                .body(faults);
            self.send(&request, 200).await?;
        }
        Ok(())
    }
}
