//! The real Collector and the real Jaeger, on this machine: programs on `PATH`,
//! containers, or what Go builds from `tools/`. Their configuration is that of
//! the chart; only variables differ.

mod build;
mod find;
mod server;
mod settings;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use trace_contract::Jaeger;

use crate::wait;

pub use build::build;
pub use find::{Missing, Origin, Way, find, find_by};
pub use server::Server;
pub use settings::BackendSettings;

/// How long each may take to be ready: a container may have to be made first.
const READY_WITHIN: Duration = Duration::from_secs(30);
const END_WITHIN: Duration = Duration::from_secs(15);
/// A free port can be lost to another process before it is listened on.
const ATTEMPTS: usize = 3;

/// What can be run beside the services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tool {
    /// The OpenTelemetry Collector.
    Collector,
    /// Jaeger, version 2.
    Jaeger,
}

impl Tool {
    /// Its name for people, and in `ONETRACE_REQUIRE`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Collector => "collector",
            Self::Jaeger => "jaeger",
        }
    }
}

/// A Collector that exports to a Jaeger, both running. Both end when this is dropped.
#[derive(Debug)]
pub struct Backend {
    /// The Collector.
    pub collector: Server,
    /// Jaeger.
    pub jaeger: Server,
    ports: settings::Chosen,
}

impl Backend {
    /// Starts both and waits until they are ready.
    ///
    /// # Errors
    /// When one does not become ready; with what it wrote.
    pub async fn start(settings: &BackendSettings) -> Result<Self> {
        let mut lost = None;
        for _ in 0..ATTEMPTS {
            let mut backend = Self::launch(settings)?;
            let Err(error) = backend.wait_until_ready().await else {
                return Ok(backend);
            };
            let output = backend.report();
            if settings.has_fixed_ports() || !output.contains("address already in use") {
                return Err(error);
            }
            lost = Some(error);
        }
        Err(lost.unwrap_or_else(|| anyhow!("nothing was tried")))
    }

    /// A running backend for a test, or `None` when this machine has not both: the
    /// test is then noted as skipped and must return. Nothing is built for it.
    ///
    /// # Panics
    /// When they are there and do not start, or must be there as
    /// [`crate::skip::REQUIRE`] says and are not.
    pub async fn or_skip() -> Option<Self> {
        let mut found = Vec::new();
        for tool in [Tool::Collector, Tool::Jaeger] {
            match find(tool).await {
                Ok(origin) => found.push(origin),
                Err(missing) => {
                    crate::skip::skipped(tool.name(), &missing.to_string());
                    return None;
                }
            }
        }
        let [collector, jaeger]: [Origin; 2] = found.try_into().expect("there are two tools");
        let settings = BackendSettings::new(collector, jaeger);
        match Self::start(&settings).await {
            Ok(backend) => Some(backend),
            Err(error) => panic!("the Collector and Jaeger do not start: {error:#}"),
        }
    }

    fn launch(settings: &BackendSettings) -> Result<Self> {
        let ports = settings.choose()?;
        Ok(Self {
            jaeger: Server::start(Tool::Jaeger, settings, &ports)?,
            collector: Server::start(Tool::Collector, settings, &ports)?,
            ports,
        })
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        // Jaeger's query server is the last of its parts to start.
        let services = format!("{}/api/v3/services", self.jaeger_url());
        ready(&mut self.jaeger, &services).await?;
        let health = format!("http://127.0.0.1:{}/", self.ports.health);
        ready(&mut self.collector, &health).await
    }

    /// Where the Collector takes OTLP over HTTP, for `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.otlp_http)
    }

    /// Jaeger's web page and query API.
    pub fn jaeger_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.query)
    }

    /// A client of Jaeger's query API.
    ///
    /// # Errors
    /// When the platform cannot give an HTTP client.
    pub fn jaeger(&self) -> Result<Jaeger> {
        Ok(Jaeger::new(&self.jaeger_url())?)
    }

    /// Ends both with SIGTERM, the Collector first, so that it can still export.
    ///
    /// # Errors
    /// When one had ended already or does not end; both are ended all the same.
    pub async fn terminate(&mut self) -> Result<()> {
        let collector = self.collector.terminate(END_WITHIN).await;
        let jaeger = self.jaeger.terminate(END_WITHIN).await;
        collector.context("the Collector")?;
        jaeger.context("Jaeger")
    }

    /// Waits until one of the two ends by itself; says which, with its output.
    ///
    /// # Errors
    /// When the system does not say.
    pub async fn first_end(&mut self) -> Result<String> {
        let server = tokio::select! {
            status = self.collector.process().end() => status.map(|status| (&self.collector, status)),
            status = self.jaeger.process().end() => status.map(|status| (&self.jaeger, status)),
        };
        let (server, status) = server?;
        let (name, output) = (server.name(), server.output().report());
        Ok(format!("{name} ended by itself, with {status}\n{output}"))
    }

    /// The last lines of both, for the report of a failure.
    pub fn report(&self) -> String {
        let mut report = String::new();
        for server in [&self.collector, &self.jaeger] {
            let (name, output) = (server.name(), server.output().report());
            writeln!(report, "{name} wrote\n{output}").expect("a String takes everything");
        }
        report
    }
}

/// Waits until `url` answers 200.
async fn ready(server: &mut Server, url: &str) -> Result<()> {
    let what = format!("{} to be ready at {url}", server.name());
    let waited = wait::until(&what, READY_WITHIN, async || {
        if let Err(ended) = server.process().must_run().await {
            return Ok(Err(ended));
        }
        wait::answers(url).await.map(Ok)
    });
    match waited.await {
        Ok(outcome) => outcome,
        Err(late) => bail!("{late}\n{}", server.output().report()),
    }
}
