//! How a local system is started.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result};

use super::Binaries;
use crate::ports;

/// The ports that the services listen on, all of the loopback interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ports {
    /// Any that are free.
    #[default]
    Free,
    /// 8080 and 8081 for the gateway, 8090 and 8091 for hello.
    Usual,
}

impl Ports {
    /// The gateway's two, then hello's two.
    const USUAL: [u16; 4] = [8080, 8081, 8090, 8091];

    /// Those of the usual ports that something else uses now.
    pub fn usual_in_use() -> Vec<u16> {
        let in_use = |port: &u16| {
            // Also one that is taken on all interfaces.
            let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, *port));
            let all = SocketAddr::from((Ipv4Addr::UNSPECIFIED, *port));
            ports::check(loopback).is_err() || ports::check(all).is_err()
        };
        Self::USUAL.into_iter().filter(in_use).collect()
    }

    /// The public and admin port of each service. Who has no usual ones takes free ones.
    pub(super) fn choose<'a>(
        self,
        names: impl Iterator<Item = &'a str>,
    ) -> Result<BTreeMap<&'a str, [u16; 2]>> {
        let names: Vec<_> = names.collect();
        let free = ports::some(2 * names.len())?;
        let [gateway, gateway_admin, hello, hello_admin] = Self::USUAL;
        let choose = |(index, name): (usize, &'a str)| {
            let ports = match (self, name) {
                (Self::Usual, "gateway") => [gateway, gateway_admin],
                (Self::Usual, "hello") => [hello, hello_admin],
                _ => [free[2 * index], free[2 * index + 1]],
            };
            (name, ports)
        };
        Ok(names.into_iter().enumerate().map(choose).collect())
    }
}

/// What a local system is started with. The services see no variable of this
/// process's environment beyond `PATH`, `HOME` and `TMPDIR`: what a test means
/// is what it says here.
#[derive(Clone, Debug, Default)]
pub struct SystemSettings {
    pub(super) binaries: Option<Binaries>,
    pub(super) ports: Ports,
    variables: Vec<Variable>,
}

#[derive(Clone, Debug)]
struct Variable {
    /// The service that gets it; all where it is none.
    service: Option<&'static str>,
    name: String,
    value: String,
}

impl SystemSettings {
    /// The services' own defaults, but without `DRAIN_DELAY`, since nothing
    /// balances load here, and with spans exported after 50 ms at the latest.
    /// They are exported to nowhere unless [`Self::export_to`] says where.
    pub fn new() -> Self {
        Self::plain()
            .all("OTEL_TRACES_EXPORTER", "none")
            .all("OTEL_BSP_SCHEDULE_DELAY", "50")
    }

    /// The services' own defaults, but without `DRAIN_DELAY`.
    pub fn plain() -> Self {
        Self::default().all("DRAIN_DELAY", "0s")
    }

    /// Exports spans to this Collector, given as `http://host:port`.
    pub fn export_to(self, endpoint: impl AsRef<str>) -> Self {
        self.all("OTEL_TRACES_EXPORTER", "otlp")
            .all("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_ref())
    }

    /// Sets a variable for the gateway; the last one of a name counts.
    pub fn gateway(self, name: &str, value: impl AsRef<str>) -> Self {
        self.service("gateway", name, value)
    }

    /// Sets a variable for hello; the last one of a name counts.
    pub fn hello(self, name: &str, value: impl AsRef<str>) -> Self {
        self.service("hello", name, value)
    }

    /// Sets a variable for a service by its name; the last one of a name counts.
    pub fn service(self, service: &'static str, name: &str, value: impl AsRef<str>) -> Self {
        self.set(Some(service), name, value.as_ref())
    }

    /// Sets a variable for all services.
    pub fn all(self, name: &str, value: impl AsRef<str>) -> Self {
        self.set(None, name, value.as_ref())
    }

    fn set(mut self, service: Option<&'static str>, name: &str, value: &str) -> Self {
        self.variables.push(Variable {
            service,
            name: name.to_owned(),
            value: value.to_owned(),
        });
        self
    }

    /// The variables of one service, in the order in which they were set.
    pub(super) fn variables_of(&self, service: &str) -> Vec<(String, String)> {
        let its = |variable: &&Variable| variable.service.is_none_or(|name| name == service);
        let pair = |variable: &Variable| (variable.name.clone(), variable.value.clone());
        self.variables.iter().filter(its).map(pair).collect()
    }

    /// Which ports; any free ones unless told.
    pub fn ports(self, ports: Ports) -> Self {
        Self { ports, ..self }
    }

    /// Which programs; those of [`Binaries::find`] unless told.
    pub fn binaries(self, binaries: &Binaries) -> Self {
        Self {
            binaries: Some(binaries.clone()),
            ..self
        }
    }

    pub(super) async fn programs(&self) -> Result<Binaries> {
        match &self.binaries {
            Some(binaries) => Ok(binaries.clone()),
            None => Binaries::find()
                .await
                .cloned()
                .context("the services' programs"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usual_port_that_is_taken_is_told() {
        // Whether it is this test or something else that holds it, it is in use.
        let _held = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 8091));
        assert!(Ports::usual_in_use().contains(&8091));
    }
}
