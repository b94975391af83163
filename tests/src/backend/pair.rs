//! A Collector that exports to a Jaeger.

use std::time::Duration;

use anyhow::{Context, Result};
use trace_contract::Jaeger;

use super::config::{BackendConfig, Ports};
use super::origin::find;
use super::server::Server;
use super::tool::Tool;
use crate::{ports, skip};

/// How long each may take to become ready; a container may have to be created first.
const READY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long each may take to exit.
const EXIT_TIMEOUT: Duration = Duration::from_secs(15);

/// A running Collector that exports to a running Jaeger. Both are killed when this is dropped.
#[derive(Debug)]
pub struct Backend {
    collector: Server,
    jaeger: Server,
    ports: Ports,
}

impl Backend {
    /// Starts both and waits until they are ready.
    ///
    /// # Errors
    /// If one does not become ready; with its output.
    pub async fn start(config: &BackendConfig) -> Result<Self> {
        let start = async || {
            let mut backend = Self::launch(config)?;
            backend.wait_until_ready().await?;
            Ok(backend)
        };
        if config.standard_ports {
            return start().await;
        }
        ports::retry(start).await
    }

    /// Starts a backend for a test. If the Collector or Jaeger is missing, marks the test as
    /// skipped and returns `None`; the test must return then. Builds nothing.
    ///
    /// # Panics
    /// If they do not start, or are missing although [`skip::REQUIRE`] requires them.
    pub async fn or_skip() -> Option<Self> {
        let config = config_or_skip().await?;
        match Self::start(&config).await {
            Ok(backend) => Some(backend),
            Err(error) => panic!("the Collector and Jaeger must start: {error:#}"),
        }
    }

    fn launch(config: &BackendConfig) -> Result<Self> {
        let ports = config.choose_ports()?;
        Ok(Self {
            jaeger: launch(Tool::Jaeger, config, &ports)?,
            collector: launch(Tool::Collector, config, &ports)?,
            ports,
        })
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        // Jaeger's query server is the last of its parts to start.
        let services = format!("{}/api/v3/services", self.jaeger_url());
        let health = self.url(Tool::Collector, "HEALTH_PORT");
        let (jaeger, collector) = (&mut self.jaeger.process, &mut self.collector.process);
        jaeger.wait_until_ready(&services, READY_TIMEOUT).await?;
        collector.wait_until_ready(&health, READY_TIMEOUT).await
    }

    /// The Collector's OTLP endpoint, for `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub fn endpoint(&self) -> String {
        self.url(Tool::Collector, "OTLP_HTTP_PORT")
    }

    /// The URL of Jaeger's web page and query API.
    pub fn jaeger_url(&self) -> String {
        self.url(Tool::Jaeger, "JAEGER_HTTP_PORT")
    }

    fn url(&self, tool: Tool, port: &'static str) -> String {
        format!("http://127.0.0.1:{}", self.ports[&(tool, port)])
    }

    /// A client of Jaeger's query API.
    ///
    /// # Errors
    /// If the HTTP client cannot be built.
    pub fn jaeger(&self) -> Result<Jaeger> {
        Ok(Jaeger::new(&self.jaeger_url())?)
    }

    /// Stops both with SIGTERM, the Collector first, so that it can still export.
    ///
    /// # Errors
    /// If one has already exited or does not exit. The other is stopped nevertheless.
    pub async fn terminate(&mut self) -> Result<()> {
        let collector = self.collector.process.terminate(EXIT_TIMEOUT).await;
        let jaeger = self.jaeger.process.terminate(EXIT_TIMEOUT).await;
        collector.context("the Collector")?;
        jaeger.context("Jaeger")?;
        Ok(())
    }

    /// Waits until one of them exits unexpectedly; returns its name, status and output.
    ///
    /// # Errors
    /// If the operating system cannot report it.
    pub async fn first_exit(&mut self) -> Result<String> {
        tokio::select! {
            exit = self.collector.process.unexpected_exit() => exit,
            exit = self.jaeger.process.unexpected_exit() => exit,
        }
    }

    /// The last output of both, for an error message.
    pub fn report(&self) -> String {
        self.collector.report() + &self.jaeger.report()
    }
}

fn launch(tool: Tool, config: &BackendConfig, ports: &Ports) -> Result<Server> {
    let own = ports.iter().filter(|((it, _), _)| *it == tool);
    let own: Vec<_> = own.map(|(_, port)| *port).collect();
    let variables = config.variables(tool, ports);
    Server::start(tool, config.origin(tool), variables, &own, None)
}

/// The configuration of a backend for a test. If the Collector or Jaeger is missing, marks
/// the test as skipped and returns `None`.
pub(super) async fn config_or_skip() -> Option<BackendConfig> {
    match (find(Tool::Collector).await, find(Tool::Jaeger).await) {
        (Ok(collector), Ok(jaeger)) => Some(BackendConfig::new(collector, jaeger)),
        (Err(missing), _) | (_, Err(missing)) => {
            skip::skipped(missing.tool.name(), &missing.to_string());
            None
        }
    }
}
