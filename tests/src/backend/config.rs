//! The configuration of the Collector and Jaeger.

use std::collections::BTreeMap;

use anyhow::Result;

use super::origin::Origin;
use super::tool::Tool;
use crate::ports;

/// Which programs to start, and with what. Each gets only its own variables and `PATH`.
#[derive(Clone, Debug)]
pub struct BackendConfig {
    collector: Origin,
    jaeger: Origin,
    pub(super) standard_ports: bool,
    variables: Vec<(Tool, String, String)>,
}

/// The ports of one start, by the variable that sets each.
pub(super) type Ports = BTreeMap<(Tool, &'static str), u16>;

impl BackendConfig {
    /// The chart's defaults, on free ports.
    pub fn new(collector: Origin, jaeger: Origin) -> Self {
        Self {
            collector,
            jaeger,
            standard_ports: false,
            variables: Vec::new(),
        }
    }

    /// Listens on the default ports: 4318 for OTLP over HTTP, 16686 for Jaeger's page.
    pub fn standard_ports(self) -> Self {
        Self {
            standard_ports: true,
            ..self
        }
    }

    /// Those of the default ports that another process uses now.
    pub fn standard_ports_in_use() -> Vec<u16> {
        let ports: Vec<_> = standard_ports().into_values().collect();
        ports::in_use(&ports)
    }

    /// Sets a variable of a tool's configuration. The last value of a variable wins.
    pub fn set(mut self, tool: Tool, name: &str, value: &str) -> Self {
        let variable = (tool, name.to_owned(), value.to_owned());
        self.variables.push(variable);
        self
    }

    pub(super) fn choose_ports(&self) -> Result<Ports> {
        let mut ports = standard_ports();
        if !self.standard_ports {
            let free = ports::free_vec(ports.len())?;
            for (port, free) in ports.values_mut().zip(free) {
                *port = free;
            }
        }
        Ok(ports)
    }

    pub(super) fn origin(&self, tool: Tool) -> &Origin {
        match tool {
            Tool::Collector => &self.collector,
            Tool::Jaeger => &self.jaeger,
        }
    }

    /// The variables of a tool's configuration; later ones win.
    pub(super) fn variables(&self, tool: Tool, ports: &Ports) -> Vec<(String, String)> {
        let own = ports.iter().filter(|((it, _), _)| *it == tool);
        let mut variables: Vec<_> = own
            .map(|((_, name), port)| ((*name).to_owned(), port.to_string()))
            .collect();
        variables.push(match tool {
            Tool::Collector => ("JAEGER_ENDPOINT".to_owned(), self.jaeger_endpoint(ports)),
            // Otherwise Jaeger exports spans of its own queries to the default OTLP endpoint.
            Tool::Jaeger => ("OTEL_TRACES_SAMPLER".to_owned(), "always_off".to_owned()),
        });
        let set = self.variables.iter().filter(|(it, ..)| *it == tool);
        variables.extend(set.map(|(_, name, value)| (name.clone(), value.clone())));
        variables
    }

    /// Jaeger's OTLP endpoint, as the Collector must address it.
    fn jaeger_endpoint(&self, ports: &Ports) -> String {
        let in_a_virtual_machine =
            matches!(self.collector, Origin::Docker(_)) && !cfg!(target_os = "linux");
        let host = if in_a_virtual_machine {
            "host.docker.internal"
        } else {
            "127.0.0.1"
        };
        format!("{host}:{}", ports[&(Tool::Jaeger, "OTLP_GRPC_PORT")])
    }
}

fn standard_ports() -> Ports {
    let ports = Tool::ALL.into_iter().flat_map(|tool| {
        let ports = tool.ports().iter();
        ports.map(move |(name, port)| ((tool, *name), *port))
    });
    ports.collect()
}
