//! A Collector without Jaeger, which passes its spans on to an OTLP receiver.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::origin::{Origin, find};
use super::server::{Overlay, Server};
use super::tool::Tool;
use crate::{ports, skip};

const READY_TIMEOUT: Duration = Duration::from_secs(30);

/// A Collector with the chart's configuration and an overlay. It is killed when this is
/// dropped.
#[derive(Debug)]
pub struct Collector {
    server: Server,
    ports: Vec<(&'static str, u16)>,
}

impl Collector {
    /// Starts a Collector for a test and waits until it is ready. `overlay` is a file that is
    /// merged over the chart's configuration. It can name other files of its directory as
    /// `${env:OVERLAY}/file`. If the Collector is missing, marks the test as skipped and
    /// returns `None`; the test must return then.
    ///
    /// # Errors
    /// If it does not start; with its output.
    pub async fn or_skip(overlay: &Path) -> Result<Option<Self>> {
        let origin = match find(Tool::Collector).await {
            Ok(origin) => origin,
            Err(missing) => {
                skip::skipped(missing.tool.name(), &missing.to_string());
                return Ok(None);
            }
        };
        let start = async || Self::start(&origin, overlay).await;
        ports::retry(start).await.map(Some)
    }

    async fn start(origin: &Origin, overlay: &Path) -> Result<Self> {
        let names = Tool::Collector.ports().iter().map(|(name, _)| *name);
        let free = ports::free_vec(names.len())?;
        let ports: Vec<_> = names.zip(free).collect();
        let variables = ports
            .iter()
            .map(|(name, port)| ((*name).to_owned(), port.to_string()));
        let variables = variables.collect();
        let numbers: Vec<_> = ports.iter().map(|(_, port)| *port).collect();
        let overlay = Overlay::new(overlay).context("the overlay is a file in a directory")?;
        let tool = Tool::Collector;
        let server = Server::start(tool, origin, variables, &numbers, Some(&overlay))?;
        let mut collector = Self { server, ports };
        let health = format!("http://127.0.0.1:{}", collector.port("HEALTH_PORT"));
        let process = &mut collector.server.process;
        process.wait_until_ready(&health, READY_TIMEOUT).await?;
        Ok(collector)
    }

    /// The port of OTLP over HTTP.
    pub fn http_port(&self) -> u16 {
        self.port("OTLP_HTTP_PORT")
    }

    /// The port of OTLP over gRPC.
    pub fn grpc_port(&self) -> u16 {
        self.port("OTLP_GRPC_PORT")
    }

    fn port(&self, name: &str) -> u16 {
        let found = self.ports.iter().find(|(it, _)| *it == name);
        found.expect("every port of the Collector has a name").1
    }

    /// Its last output, for an error message.
    pub fn report(&self) -> String {
        self.server.report()
    }
}
