//! The services, connected as the chart's values declare it.

use std::collections::BTreeMap;
use std::iter;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::Result;
use futures_util::future::select_all;

use super::binaries::Binaries;
use super::config::{Ports, SystemConfig};
use super::service::Service;
use crate::ports;
use crate::services::{self, Call, Declared, Port};
use crate::wait;

/// Running services. They are killed when this is dropped.
#[derive(Debug)]
pub struct System {
    /// The public service.
    pub gateway: Service,
    /// The backend.
    pub hello: Service,
    /// The other services of the chart's values.
    pub others: Vec<Service>,
}

impl System {
    /// Starts all services and waits until they are ready.
    ///
    /// # Errors
    /// If one does not become ready; with its output.
    pub async fn start(config: SystemConfig) -> Result<Self> {
        let binaries = config.programs().await?;
        let declared = services::declared()?;
        let start = async || {
            let mut system = Self::launch(&config, &binaries, &declared)?;
            // All start at the same time, in whatever order they become ready.
            for service in system.all_mut() {
                service.wait_until_ready().await?;
            }
            Ok(system)
        };
        match config.ports {
            Ports::Free => ports::retry(start).await,
            Ports::Standard => start().await,
        }
    }

    fn launch(
        config: &SystemConfig,
        binaries: &Binaries,
        declared: &BTreeMap<String, Declared>,
    ) -> Result<Self> {
        let ports = config.ports.choose(binaries.all().map(|(name, _)| name))?;
        let start = |(name, program): (&str, &Path)| {
            // What a test sets comes last and wins, also over the peers' URLs.
            let mut variables = declared.get(name).map_or(vec![], |it| peers(it, &ports));
            variables.extend(config.variables_of(name));
            Service::start(name, program, ports[name], variables)
        };
        Ok(Self {
            gateway: start(("gateway", &binaries.gateway))?,
            hello: start(("hello", &binaries.hello))?,
            others: binaries.others().map(start).collect::<Result<_>>()?,
        })
    }

    /// All services, callers before those that they call: the gateway first, hello last.
    pub fn all(&self) -> impl Iterator<Item = &Service> {
        let called = self.others.iter().chain(iter::once(&self.hello));
        iter::once(&self.gateway).chain(called)
    }

    fn all_mut(&mut self) -> impl Iterator<Item = &mut Service> {
        let called = self.others.iter_mut().chain(iter::once(&mut self.hello));
        iter::once(&mut self.gateway).chain(called)
    }

    /// A URL of the gateway's public API; `path` begins with `/`.
    pub fn url(&self, path: &str) -> String {
        self.gateway.url() + path
    }

    /// Stops all services with SIGTERM, one after another, callers first, so that requests in
    /// flight complete. Their output is then complete.
    ///
    /// # Errors
    /// If one has already exited or does not exit. The others are stopped nevertheless.
    pub async fn terminate(&mut self) -> Result<Vec<ExitStatus>> {
        let mut exits = Vec::new();
        for service in self.all_mut() {
            exits.push(service.terminate().await);
        }
        exits.into_iter().collect()
    }

    /// Waits until one exits unexpectedly; returns its name, status and output.
    ///
    /// # Errors
    /// If the operating system cannot report it.
    pub async fn first_exit(&mut self) -> Result<String> {
        let exits = self
            .all_mut()
            .map(|service| Box::pin(service.process().unexpected_exit()));
        select_all(exits).await.0
    }

    /// Waits until no span of any service is pending.
    ///
    /// # Errors
    /// If some spans of a service are still pending after `timeout`.
    pub async fn wait_until_exported(&self, timeout: Duration) -> Result<()> {
        wait::until("all spans to be exported", timeout, async || {
            for service in self.all() {
                service.all_exported().await?;
            }
            Ok::<_, anyhow::Error>(())
        })
        .await
    }

    /// The last output of all services, for an error message.
    pub fn report(&self) -> String {
        let report = |service: &Service| {
            let (name, pid) = (service.name(), service.pid());
            format!("{name} (pid {pid}) wrote\n{}\n", service.output().report())
        };
        self.all().map(report).collect()
    }
}

/// The URLs of the services that a service calls, by the variable that holds each.
fn peers(service: &Declared, ports: &BTreeMap<&str, [u16; 2]>) -> Vec<(String, String)> {
    let url = |(variable, call): (&String, &Call)| {
        // Without a variable, a service uses its default URL for a peer that is not started here.
        let [http, admin] = ports.get(call.service.as_str())?;
        let port = match call.port {
            Port::Http => http,
            Port::Admin => admin,
        };
        Some((variable.clone(), format!("http://127.0.0.1:{port}")))
    };
    service.calls.iter().filter_map(url).collect()
}
