//! A system that exports to a Collector in one state or another, its load and
//! its accounts.

use std::time::Duration;

use anyhow::{Context, Result};
use tests::accounting::Spans;
use tests::load::{Load, Pace, Report, Until};
use tests::local::{Service, System, SystemSettings};
use tests::{judge, ports, wait};
use trace_contract::{Behaviour, Receiver};

/// Requests a second of a steady load, well below what a debug build can answer.
const RATE: f64 = 200.0;
const ROUND: Duration = Duration::from_secs(1);
/// For what ends by itself, on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A system, and the Collector that it exports to.
pub(crate) struct Exporting {
    pub(crate) collector: &'static str,
    pub(crate) system: System,
    pub(crate) receiver: Option<Receiver>,
    rounds: Vec<Report>,
}

impl Exporting {
    /// To a Collector that behaves so.
    pub(crate) async fn to(
        collector: &'static str,
        behaviour: Behaviour,
        settings: SystemSettings,
    ) -> Result<Self> {
        let receiver = Receiver::bind("127.0.0.1:0").await?;
        receiver.behave(behaviour);
        receiver.store().keep(usize::MAX);
        let settings = judge::patient(settings).export_to(receiver.endpoint());
        Ok(Self {
            collector,
            system: System::start(settings).await?,
            receiver: Some(receiver),
            rounds: Vec::new(),
        })
    }

    /// To a port that nobody listens on.
    pub(crate) async fn to_nobody(settings: SystemSettings) -> Result<Self> {
        let [port] = ports::free()?;
        let settings = judge::patient(settings).export_to(format!("http://127.0.0.1:{port}"));
        Ok(Self {
            collector: "refused",
            system: System::start(settings).await?,
            receiver: None,
            rounds: Vec::new(),
        })
    }

    /// One round of the steady load, in which no request may fail.
    pub(crate) async fn round(&mut self) -> Result<()> {
        let load = steady(&self.system)?.until(Until::Elapsed(ROUND));
        let report = load.run().await;
        self.must_answer_all(&report);
        self.rounds.push(report);
        Ok(())
    }

    pub(crate) fn must_answer_all(&self, report: &Report) {
        assert!(
            report.failed() == 0 && report.answered() > 0,
            "with a Collector that is {}, every request must be answered: {report}\n{}",
            self.collector,
            self.system.report()
        );
    }

    /// The p99 of the best round: what else runs on this machine can spoil one
    /// round, a pipeline that slows requests spoils them all.
    pub(crate) fn p99(&self) -> Duration {
        self.p99s().into_iter().min().unwrap_or_default()
    }

    pub(crate) fn p99s(&self) -> Vec<Duration> {
        self.rounds.iter().map(Report::p99).collect()
    }

    pub(crate) fn answered(&self) -> u64 {
        self.rounds.iter().map(Report::answered).sum()
    }

    /// The accounts of both services now, which must be exact, of as many spans
    /// as the answered requests have made.
    pub(crate) async fn accounts(&self, answered: u64) -> Result<[Spans; 2]> {
        let settled = |service: &Spans| service.open == 0;
        let [gateway, hello] = settled_accounts(&self.system, settled).await?;
        self.must_be_exact(answered, &gateway, &hello);
        Ok([gateway, hello])
    }

    /// Ends the system; its last words, which must be exact with nothing on the way.
    pub(crate) async fn end(&mut self, answered: u64) -> Result<[Spans; 2]> {
        let [gateway, hello] = judge::end(&mut self.system).await?;
        self.must_be_exact(answered, &gateway, &hello);
        let left = gateway.on_the_way() + hello.on_the_way();
        assert_eq!(left, 0, "of no span it may be unknown what became of it");
        Ok([gateway, hello])
    }

    fn must_be_exact(&self, answered: u64, gateway: &Spans, hello: &Spans) {
        for (service, spans, each) in [("gateway", gateway, 5), ("hello", hello, 3)] {
            let what = format!("{service}, Collector {}: {spans}", self.collector);
            assert!(spans.is_exact(), "every span must be accounted for: {what}");
            let made = answered * each;
            assert_eq!(
                spans.created(),
                made,
                "{answered} requests make {made} spans: {what}"
            );
        }
    }

    /// What arrived must be every span of the answered requests.
    pub(crate) fn must_have_all(&self, answered: u64) -> Result<()> {
        let receiver = self.receiver.as_ref().context("there is a Collector")?;
        let arrived = receiver.store().span_count();
        assert_eq!(
            arrived,
            answered * 8,
            "with a Collector that is {}, all 8 spans of {answered} requests must arrive",
            self.collector
        );
        Ok(())
    }
}

pub(crate) fn steady(system: &System) -> Result<Load> {
    let load = Load::get(&system.url("/hello"))?;
    Ok(load.connections(16).pace(Pace::PerSecond(RATE)))
}

/// The accounts of the gateway and of hello, as soon as both are `settled`: the
/// last spans of a request end just after its answer.
async fn settled_accounts(system: &System, settled: impl Fn(&Spans) -> bool) -> Result<[Spans; 2]> {
    let accounts = async |service: &Service| {
        let spans = service
            .spans()
            .await
            .map_err(|error| format!("{error:#}"))?;
        if settled(&spans) {
            Ok(spans)
        } else {
            Err(spans.to_string())
        }
    };
    wait::until("the last spans to end", PATIENCE, async || {
        let gateway = accounts(&system.gateway).await?;
        Ok::<_, String>([gateway, accounts(&system.hello).await?])
    })
    .await
}
