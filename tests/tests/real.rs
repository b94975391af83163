//! The main contracts once more, through the real Collector into the real
//! Jaeger, and read back from Jaeger's API.

use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tests::backend::Backend;
use tests::local::{System, SystemSettings};
use tests::traced::hold;
use tokio::task::JoinSet;
use trace_contract::{Expectation, Request, Source, verify};

/// How long a trace may take through the Collector into Jaeger on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The system in front of the real pipeline.
struct Real {
    system: System,
    backend: Backend,
}

impl Real {
    /// `None` where the Collector or Jaeger is not at hand: the test is skipped, and says so.
    async fn start(settings: SystemSettings) -> Result<Option<Self>> {
        let Some(backend) = Backend::or_skip().await else {
            return Ok(None);
        };
        let system = System::start(settings.export_to(backend.endpoint())).await?;
        Ok(Some(Self { system, backend }))
    }

    /// Sends a request, and holds its trace in Jaeger to a contract.
    async fn check(&self, request: &Request, status: u16, contract: &str) -> Result<()> {
        let answer = request.send().await?;
        ensure!(
            answer.status.as_u16() == status,
            "expected status {status}, got {}\n{}",
            answer.status,
            self.system.report()
        );
        let sent = request.sent_as();
        let source = Source::from(self.backend.jaeger()?);
        let expectation = Expectation::continues(sent);
        hold(
            &source,
            sent.trace_id(),
            contract,
            &expectation,
            &self.system,
        )
        .await
        .with_context(|| self.backend.report())?;
        Ok(())
    }

    fn get(&self, path: &str) -> Result<Request> {
        Ok(Request::get(&self.system.url(path))?)
    }
}

#[tokio::test]
async fn the_main_contracts_hold_in_jaeger() -> Result<()> {
    let settings = SystemSettings::new()
        .hello("FAULTS", "true")
        .gateway("EDGE_BAGGAGE", "tenant");
    let Some(real) = Real::start(settings).await? else {
        return Ok(());
    };
    real.check(&real.get("/hello")?, 200, "hello").await?;
    real.check(&real.get("/hello/Welt")?, 200, "hello-name")
        .await?;
    real.check(&real.get("/no/such/route")?, 404, "unknown-route")
        .await?;
    let request = real
        .get("/hello")?
        .header("baggage: tenant=blue,secret=1")?;
    real.check(&request, 200, "baggage").await?;
    let faults = format!("{}/faults", real.system.hello.admin_url());
    let once = Request::get(&faults)?
        .method("POST")?
        .header("content-type: application/json")?
        .body(r#"{"error_rate": 1, "times": 1}"#);
    ensure!(
        once.send().await?.status == 200,
        "the fault switch must be on"
    );
    real.check(&real.get("/hello")?, 200, "hello-retried").await
}

#[tokio::test]
async fn a_linked_trace_is_linked_in_jaeger_too() -> Result<()> {
    let settings = SystemSettings::new().gateway("EDGE_TRACE", "link");
    let Some(real) = Real::start(settings).await? else {
        return Ok(());
    };
    let request = real.get("/hello")?;
    let answer = request.send().await?;
    let id = tests::traced::trace_of(&answer)?.parse()?;
    let source = Source::from(real.backend.jaeger()?);
    let expectation = Expectation::starts_anew(request.sent_as());
    hold(&source, id, "linked", &expectation, &real.system).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_trace_of_a_burst_is_whole_in_jaeger() -> Result<()> {
    let Some(mut real) = Real::start(SystemSettings::new()).await? else {
        return Ok(());
    };
    let requests: Vec<_> = (0..100)
        .map(|_| real.get("/hello"))
        .collect::<Result<_>>()?;
    let mut sending = JoinSet::new();
    for request in requests.clone() {
        sending.spawn(async move { request.send().await });
    }
    while let Some(answer) = sending.join_next().await {
        let status = answer??.status;
        ensure!(
            status == 200,
            "a request of the burst was answered {status}"
        );
    }
    let ended = real.system.terminate().await?;
    ensure!(ended.iter().all(ExitStatus::success), "{ended:?}");
    let contract = tests::traced::load("hello")?;
    let mut checking = JoinSet::new();
    for request in requests {
        let (contract, source) = (contract.clone(), Source::from(real.backend.jaeger()?));
        checking.spawn(async move {
            let sent = request.sent_as();
            let expectation = Expectation::continues(sent);
            verify(&source, sent.trace_id(), &contract, &expectation, PATIENCE).await
        });
    }
    while let Some(checked) = checking.join_next().await {
        checked?.with_context(|| real.backend.report())?;
    }
    real.backend.terminate().await
}
