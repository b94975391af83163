//! How a local system is started.

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

    /// The public and admin port of the gateway, then of hello.
    pub(super) fn choose(self) -> Result<[u16; 4]> {
        match self {
            Self::Free => ports::free(),
            Self::Usual => Ok(Self::USUAL),
        }
    }
}

/// What a local system is started with. The services see no variable of this
/// process's environment beyond `PATH`, `HOME` and `TMPDIR`: what a test means
/// is what it says here.
#[derive(Clone, Debug, Default)]
pub struct SystemSettings {
    pub(super) binaries: Option<Binaries>,
    pub(super) ports: Ports,
    pub(super) gateway: Vec<(String, String)>,
    pub(super) hello: Vec<(String, String)>,
}

impl SystemSettings {
    /// The services' own defaults, but without `DRAIN_DELAY`, since nothing
    /// balances load here, and with spans exported after 50 ms at the latest.
    /// They are exported to nowhere unless [`Self::export_to`] says where.
    pub fn new() -> Self {
        Self::plain()
            .both("OTEL_TRACES_EXPORTER", "none")
            .both("OTEL_BSP_SCHEDULE_DELAY", "50")
    }

    /// The services' own defaults, but without `DRAIN_DELAY`.
    pub fn plain() -> Self {
        Self::default().both("DRAIN_DELAY", "0s")
    }

    /// Exports spans to this Collector, given as `http://host:port`.
    pub fn export_to(self, endpoint: impl AsRef<str>) -> Self {
        self.both("OTEL_TRACES_EXPORTER", "otlp")
            .both("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_ref())
    }

    /// Sets a variable for the gateway; the last one of a name counts.
    pub fn gateway(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.gateway
            .push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Sets a variable for hello; the last one of a name counts.
    pub fn hello(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.hello
            .push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Sets a variable for both services.
    pub fn both(self, name: &str, value: impl AsRef<str>) -> Self {
        self.gateway(name, &value).hello(name, &value)
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
