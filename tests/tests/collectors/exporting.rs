//! A system that exports to a Collector in a given state, its load and its span counts.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tests::accounting::SpanCounts;
use tests::assertions::shut_down;
use tests::load::{Load, Pace, Report, Until};
use tests::local::{Service, System, SystemConfig};
use tests::process::resident_memory;
use tests::{ports, wait};
use trace_contract::{Behaviour, Receiver};

/// Requests per second of the steady load: much less than a debug build can serve.
const RATE: f64 = 200.0;
const ROUND: Duration = Duration::from_secs(1);
/// How long anything may take on a busy machine.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// A system and the Collector that it exports to.
pub(crate) struct Exporting {
    /// The Collector's state, for messages.
    pub(crate) collector: &'static str,
    pub(crate) system: System,
    /// `None` if no process listens at the OTLP endpoint.
    pub(crate) receiver: Option<Receiver>,
    rounds: Vec<Report>,
}

impl Exporting {
    /// Exports to a Collector with this behaviour.
    pub(crate) async fn to(
        collector: &'static str,
        behaviour: Behaviour,
        config: SystemConfig,
    ) -> Result<Self> {
        let receiver = Receiver::bind("127.0.0.1:0").await?;
        receiver.set_behaviour(behaviour);
        receiver.store().keep(usize::MAX);
        let endpoint = receiver.endpoint();
        Self::start(collector, Some(receiver), &endpoint, config).await
    }

    /// Exports to a port on which no process listens.
    pub(crate) async fn to_closed_port(config: SystemConfig) -> Result<Self> {
        let [port] = ports::free()?;
        let endpoint = format!("http://127.0.0.1:{port}");
        Self::start("refusing connections", None, &endpoint, config).await
    }

    async fn start(
        collector: &'static str,
        receiver: Option<Receiver>,
        endpoint: &str,
        config: SystemConfig,
    ) -> Result<Self> {
        let config = config.with_long_timeouts().export_to(endpoint);
        Ok(Self {
            collector,
            system: System::start(config).await?,
            receiver,
            rounds: Vec::new(),
        })
    }

    /// `GET /hello`, as fast as the gateway responds.
    pub(crate) fn load(&self) -> Result<Load> {
        Load::get(&self.system.url("/hello"))
    }

    /// `GET /hello` at a constant rate.
    pub(crate) fn steady_load(&self) -> Result<Load> {
        Ok(self.load()?.connections(16).pace(Pace::PerSecond(RATE)))
    }

    /// Runs one round of the steady load; no request may fail.
    pub(crate) async fn round(&mut self) -> Result<()> {
        let load = self.steady_load()?.until(Until::Elapsed(ROUND));
        let report = load.run().await;
        self.assert_no_failure(&report);
        self.rounds.push(report);
        Ok(())
    }

    pub(crate) fn assert_no_failure(&self, report: &Report) {
        assert!(
            report.failed() == 0 && report.succeeded() > 0,
            "with a Collector that is {}, every request must succeed: {report}\n{}",
            self.collector,
            self.system.report()
        );
    }

    /// The p99 of the best round. Other processes can slow down some rounds; a pipeline that
    /// slows down requests does so in all of them.
    pub(crate) fn p99(&self) -> Duration {
        self.p99s().into_iter().min().unwrap_or_default()
    }

    pub(crate) fn p99s(&self) -> Vec<Duration> {
        self.rounds.iter().map(Report::p99).collect()
    }

    /// The number of successful requests in all rounds.
    pub(crate) fn succeeded(&self) -> u64 {
        self.rounds.iter().map(Report::succeeded).sum()
    }

    /// The resident memory of the gateway and of hello, in bytes.
    pub(crate) fn memory(&self) -> Result<[u64; 2]> {
        Ok([
            resident_memory(self.system.gateway.pid())?,
            resident_memory(self.system.hello.pid())?,
        ])
    }

    /// The counts of both services when all spans have ended. They must account for all spans
    /// of the successful requests.
    pub(crate) async fn counts(&self, requests: u64) -> Result<[SpanCounts; 2]> {
        let gateway = ended(&self.system.gateway).await?;
        let hello = ended(&self.system.hello).await?;
        self.assert_exact(requests, &gateway, &hello);
        Ok([gateway, hello])
    }

    /// Stops the system; returns its final counts, which must account for all spans.
    pub(crate) async fn shut_down(&mut self, requests: u64) -> Result<[SpanCounts; 2]> {
        let [gateway, hello] = shut_down(&mut self.system).await?;
        self.assert_exact(requests, &gateway, &hello);
        let pending = gateway.pending() + hello.pending();
        assert_eq!(
            pending, 0,
            "after shutdown every span must be counted as exported or dropped"
        );
        Ok([gateway, hello])
    }

    fn assert_exact(&self, requests: u64, gateway: &SpanCounts, hello: &SpanCounts) {
        for (service, counts, spans_per_request) in [("gateway", gateway, 5), ("hello", hello, 3)] {
            let what = format!("{service}, Collector {}: {counts}", self.collector);
            assert!(counts.adds_up(), "every span must be counted: {what}");
            assert_eq!(
                counts.created(),
                requests * spans_per_request,
                "{requests} requests must make {spans_per_request} spans each: {what}"
            );
        }
    }

    /// The receiver must have all spans of the successful requests.
    pub(crate) fn assert_all_received(&self, requests: u64) -> Result<()> {
        let receiver = self.receiver.as_ref().context("no receiver")?;
        assert_eq!(
            receiver.store().span_count(),
            requests * 8,
            "a Collector that is {} must receive all 8 spans of {requests} requests",
            self.collector
        );
        Ok(())
    }
}

/// The counts of a service when no span is open: the last spans of a request end just after
/// its response.
async fn ended(service: &Service) -> Result<SpanCounts> {
    let what = format!("the last spans of {} to end", service.name());
    wait::until(&what, TIMEOUT, async || {
        let counts = service.spans().await?;
        ensure!(counts.open == 0, "{counts}");
        Ok(counts)
    })
    .await
}
