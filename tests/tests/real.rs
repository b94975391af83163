//! The main contracts again, with the real Collector and the real Jaeger: the traces are read
//! from Jaeger's API.

use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tests::backend::Backend;
use tests::contracts;
use tests::local::{System, SystemConfig};
use tokio::task::JoinSet;
use trace_contract::{Expectation, Request, Source, TraceId, verify};

/// How long a trace may take to reach Jaeger on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The system, the Collector and Jaeger.
struct Real {
    system: System,
    backend: Backend,
}

impl Real {
    /// Returns `None`, and marks the test as skipped, if the Collector or Jaeger is missing.
    async fn start(config: SystemConfig) -> Result<Option<Self>> {
        let Some(backend) = Backend::or_skip().await else {
            return Ok(None);
        };
        let system = System::start(config.export_to(backend.endpoint())).await?;
        Ok(Some(Self { system, backend }))
    }

    fn get(&self, path: &str) -> Result<Request> {
        Ok(Request::get(&self.system.url(path))?)
    }

    /// Sends a request. Its trace in Jaeger must satisfy a contract.
    async fn check(&self, request: &Request, status: u16, contract: &str) -> Result<()> {
        let response = request.send().await?;
        ensure!(
            response.status.as_u16() == status,
            "{} must return status {status}, but it returned {}\n{}",
            request.redacted(),
            response.status,
            self.system.report()
        );
        let sent = request.traceparent();
        let expectation = Expectation::continues(sent);
        self.ensure_trace(sent.trace_id(), contract, &expectation)
            .await
    }

    async fn ensure_trace(
        &self,
        id: TraceId,
        contract: &str,
        expectation: &Expectation,
    ) -> Result<()> {
        let source = Source::from(self.backend.jaeger()?);
        contracts::ensure_satisfied(&source, id, contract, expectation, &self.system)
            .await
            .with_context(|| self.backend.report())?;
        Ok(())
    }
}

#[tokio::test]
async fn traces_in_jaeger_satisfy_the_main_contracts() -> Result<()> {
    let config = SystemConfig::new()
        .hello("FAULTS", "true")
        .gateway("EDGE_BAGGAGE", "tenant");
    let Some(real) = Real::start(config).await? else {
        return Ok(());
    };
    for (path, status, contract) in [
        ("/hello", 200, "hello"),
        ("/hello/Welt", 200, "hello-name"),
        ("/no/such/route", 404, "unknown-route"),
    ] {
        real.check(&real.get(path)?, status, contract).await?;
    }
    let request = real
        .get("/hello")?
        .header("baggage: tenant=blue,secret=1")?;
    real.check(&request, 200, "baggage").await?;
    let once = r#"{"error_rate": 1, "times": 1}"#;
    real.system.hello.set_faults(once).await?;
    real.check(&real.get("/hello")?, 200, "hello-retried").await
}

#[tokio::test]
async fn a_linked_trace_is_also_linked_in_jaeger() -> Result<()> {
    let config = SystemConfig::new().gateway("EDGE_TRACE", "link");
    let Some(real) = Real::start(config).await? else {
        return Ok(());
    };
    let request = real.get("/hello")?;
    let response = request.send().await?;
    let id = contracts::trace_id(&response.headers)?;
    let expectation = Expectation::starts_new_trace(request.traceparent());
    real.ensure_trace(id, "linked", &expectation).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_trace_of_a_burst_is_complete_in_jaeger() -> Result<()> {
    let Some(mut real) = Real::start(SystemConfig::new()).await? else {
        return Ok(());
    };
    let requests: Vec<_> = (0..100)
        .map(|_| real.get("/hello"))
        .collect::<Result<_>>()?;
    let mut sending = JoinSet::new();
    for request in requests.clone() {
        sending.spawn(async move { request.send().await });
    }
    while let Some(response) = sending.join_next().await {
        let status = response??.status;
        ensure!(
            status == 200,
            "every request of the burst must return 200, but one returned {status}"
        );
    }
    let exits = real.system.terminate().await?;
    ensure!(exits.iter().all(ExitStatus::success), "{exits:?}");
    let contract = contracts::load("hello")?;
    let mut checking = JoinSet::new();
    for request in requests {
        let (contract, source) = (contract.clone(), Source::from(real.backend.jaeger()?));
        checking.spawn(async move {
            let sent = request.traceparent();
            let expectation = Expectation::continues(sent).settle(contracts::SETTLE);
            verify(&source, sent.trace_id(), &contract, &expectation, TIMEOUT).await
        });
    }
    while let Some(checked) = checking.join_next().await {
        checked?.with_context(|| real.backend.report())?;
    }
    real.backend.terminate().await
}
