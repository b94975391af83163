//! The configuration of a local system.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use super::binaries::Binaries;
use crate::ports;

/// The ports that the services listen on, all on the loopback interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ports {
    /// Any free ports.
    #[default]
    Free,
    /// The services' defaults: 8080 and 8081 for the gateway, 8090 and 8091 for hello. Other
    /// services get free ports.
    Standard,
}

impl Ports {
    const GATEWAY: [u16; 2] = [8080, 8081];
    const HELLO: [u16; 2] = [8090, 8091];

    /// Those of the standard ports that another process uses now.
    pub fn standard_in_use() -> Vec<u16> {
        ports::in_use(&[Self::GATEWAY, Self::HELLO].concat())
    }

    /// The HTTP port and the admin port of each service.
    pub(super) fn choose<'a>(
        self,
        names: impl Iterator<Item = &'a str>,
    ) -> Result<BTreeMap<&'a str, [u16; 2]>> {
        let names: Vec<_> = names.collect();
        let free = ports::free_vec(2 * names.len())?;
        let (pairs, _) = free.as_chunks();
        let mut chosen: BTreeMap<_, _> = names.into_iter().zip(pairs.iter().copied()).collect();
        if self == Self::Standard {
            chosen.insert("gateway", Self::GATEWAY);
            chosen.insert("hello", Self::HELLO);
        }
        Ok(chosen)
    }
}

/// The configuration of a local system. The services get no variable of this process's
/// environment but `PATH`, `HOME` and `TMPDIR`, so it is complete.
#[derive(Clone, Debug, Default)]
pub struct SystemConfig {
    pub(super) binaries: Option<Binaries>,
    pub(super) ports: Ports,
    /// The service (`None`: all services), the name and the value.
    variables: Vec<(Option<&'static str>, String, String)>,
}

impl SystemConfig {
    /// The services' defaults, with four differences: `TELEMETRY_STRICT`; no `DRAIN_DELAY`, because there is no
    /// load balancer; spans are exported within 50 ms; and they are exported only if
    /// [`Self::export_to`] sets an OTLP endpoint.
    pub fn new() -> Self {
        Self::defaults()
            .all("OTEL_TRACES_EXPORTER", "none")
            .all("OTEL_BSP_SCHEDULE_DELAY", "50")
    }

    /// The services' defaults, but without `DRAIN_DELAY`, and with `TELEMETRY_STRICT`.
    pub fn defaults() -> Self {
        Self::default()
            .all("DRAIN_DELAY", "0s")
            .all("TELEMETRY_STRICT", "true")
    }

    /// Exports spans to this OTLP endpoint, such as `http://127.0.0.1:4318`.
    pub fn export_to(self, endpoint: impl AsRef<str>) -> Self {
        self.all("OTEL_TRACES_EXPORTER", "otlp")
            .all("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    }

    /// Makes calls between the services wait 10 s. Otherwise a call can time out on a busy
    /// machine and be retried, which makes more spans than the eight of a request; with this,
    /// a test can compute the number of spans from the number of requests.
    pub fn with_long_timeouts(self) -> Self {
        self.gateway("HELLO_TIMEOUT", "10s")
            .hello("GATEWAY_TIMEOUT", "10s")
    }

    /// Sets a variable for the gateway. The last value of a variable wins.
    pub fn gateway(self, name: &str, value: impl AsRef<str>) -> Self {
        self.set(Some("gateway"), name, value.as_ref())
    }

    /// Sets a variable for hello. The last value of a variable wins.
    pub fn hello(self, name: &str, value: impl AsRef<str>) -> Self {
        self.set(Some("hello"), name, value.as_ref())
    }

    /// Sets a variable for all services. The last value of a variable wins.
    pub fn all(self, name: &str, value: impl AsRef<str>) -> Self {
        self.set(None, name, value.as_ref())
    }

    fn set(mut self, service: Option<&'static str>, name: &str, value: &str) -> Self {
        let variable = (service, name.to_owned(), value.to_owned());
        self.variables.push(variable);
        self
    }

    /// The variables of one service, in the order in which they were set.
    pub(super) fn variables_of(&self, service: &str) -> impl Iterator<Item = (String, String)> {
        let all = self.variables.iter().cloned();
        let own = all.filter(move |(it, ..)| it.is_none_or(|it| it == service));
        own.map(|(_, name, value)| (name, value))
    }

    /// Which ports to listen on; free ones by default.
    pub fn ports(self, ports: Ports) -> Self {
        Self { ports, ..self }
    }

    /// Which programs to run; those of [`Binaries::find`] by default.
    pub fn binaries(self, binaries: &Binaries) -> Self {
        Self {
            binaries: Some(binaries.clone()),
            ..self
        }
    }

    pub(super) async fn programs(&self) -> Result<Binaries> {
        if let Some(binaries) = &self.binaries {
            return Ok(binaries.clone());
        }
        let found = Binaries::find().await;
        found.cloned().context("the services' programs")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standard_port_in_use_is_found() {
        // If the port cannot be taken here, another process uses it.
        let _held = std::net::TcpListener::bind(("127.0.0.1", 8091));
        assert!(Ports::standard_in_use().contains(&8091));
    }
}
