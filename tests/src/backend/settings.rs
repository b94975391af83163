//! How the Collector and Jaeger are started.

use anyhow::Result;

use super::{Origin, Tool};
use crate::ports;

/// What they are started with. Each sees only its own settings and `PATH`.
#[derive(Clone, Debug)]
pub struct BackendSettings {
    pub(super) collector: Origin,
    pub(super) jaeger: Origin,
    usual_ports: bool,
    variables: Vec<(Tool, String, String)>,
    configurations: Vec<(Tool, String)>,
}

/// The ports of one start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chosen {
    pub(super) otlp_http: u16,
    pub(super) otlp_grpc: u16,
    pub(super) health: u16,
    pub(super) metrics: u16,
    pub(super) query: u16,
    pub(super) query_grpc: u16,
    pub(super) jaeger_grpc: u16,
    pub(super) jaeger_http: u16,
    pub(super) jaeger_health: u16,
    pub(super) jaeger_metrics: u16,
}

impl Chosen {
    const USUAL: [u16; 10] = [
        4318, 4317, 13133, 8888, 16686, 16685, 14317, 14318, 13134, 8887,
    ];

    fn new(ports: [u16; 10]) -> Self {
        let [
            otlp_http,
            otlp_grpc,
            health,
            metrics,
            query,
            query_grpc,
            jaeger_grpc,
            jaeger_http,
            jaeger_health,
            jaeger_metrics,
        ] = ports;
        Self {
            otlp_http,
            otlp_grpc,
            health,
            metrics,
            query,
            query_grpc,
            jaeger_grpc,
            jaeger_http,
            jaeger_health,
            jaeger_metrics,
        }
    }
}

impl Chosen {
    /// Those that a tool listens on.
    pub(super) fn of(&self, tool: Tool) -> Vec<u16> {
        match tool {
            Tool::Collector => vec![self.otlp_http, self.otlp_grpc, self.health, self.metrics],
            Tool::Jaeger => vec![
                self.query,
                self.query_grpc,
                self.jaeger_grpc,
                self.jaeger_http,
                self.jaeger_health,
                self.jaeger_metrics,
            ],
        }
    }
}

impl BackendSettings {
    /// The chart's defaults, on free ports.
    pub fn new(collector: Origin, jaeger: Origin) -> Self {
        Self {
            collector,
            jaeger,
            usual_ports: false,
            variables: Vec::new(),
            configurations: Vec::new(),
        }
    }

    /// On the ports that people know: 4318 for OTLP, 16686 for Jaeger's page.
    pub fn usual_ports(self) -> Self {
        Self {
            usual_ports: true,
            ..self
        }
    }

    /// Those of the usual ports that something else uses now.
    pub fn usual_ports_in_use() -> Vec<u16> {
        let in_use = |port: &u16| {
            let loopback = (std::net::Ipv4Addr::LOCALHOST, *port);
            ports::check(loopback.into()).is_err()
        };
        Chosen::USUAL.into_iter().filter(in_use).collect()
    }

    /// Sets a variable of a tool's configuration; the last one of a name counts.
    pub fn set(mut self, tool: Tool, name: &str, value: impl AsRef<str>) -> Self {
        let value = value.as_ref().to_owned();
        self.variables.push((tool, name.to_owned(), value));
        self
    }

    /// Merges another of the chart's files over the configuration of a tool, such
    /// as `collector-disk.yaml`.
    pub fn add(mut self, tool: Tool, file: &str) -> Self {
        self.configurations.push((tool, file.to_owned()));
        self
    }

    pub(super) fn has_fixed_ports(&self) -> bool {
        self.usual_ports
    }

    pub(super) fn choose(&self) -> Result<Chosen> {
        let ports = if self.usual_ports {
            Chosen::USUAL
        } else {
            ports::free()?
        };
        Ok(Chosen::new(ports))
    }

    pub(super) fn origin(&self, tool: Tool) -> &Origin {
        match tool {
            Tool::Collector => &self.collector,
            Tool::Jaeger => &self.jaeger,
        }
    }

    /// The names of the chart's files that are merged for a tool.
    pub(super) fn files(&self, tool: Tool) -> impl Iterator<Item = &str> {
        let added = self.configurations.iter().filter(move |it| it.0 == tool);
        added.map(|(_, file)| file.as_str())
    }

    /// Where the Collector finds Jaeger: this machine, as it sees it.
    fn jaeger_endpoint(&self, ports: &Chosen) -> String {
        let in_a_virtual_machine =
            matches!(self.collector, Origin::Docker(_)) && !cfg!(target_os = "linux");
        let host = if in_a_virtual_machine {
            "host.docker.internal"
        } else {
            "127.0.0.1"
        };
        format!("{host}:{}", ports.jaeger_grpc)
    }

    /// The variables of a tool's configuration, in which later ones win.
    pub(super) fn variables(&self, tool: Tool, ports: &Chosen) -> Vec<(String, String)> {
        let own = match tool {
            Tool::Collector => vec![
                ("OTLP_HTTP_PORT", ports.otlp_http.to_string()),
                ("OTLP_GRPC_PORT", ports.otlp_grpc.to_string()),
                ("HEALTH_PORT", ports.health.to_string()),
                ("METRICS_PORT", ports.metrics.to_string()),
                ("JAEGER_ENDPOINT", self.jaeger_endpoint(ports)),
            ],
            Tool::Jaeger => vec![
                ("JAEGER_HTTP_PORT", ports.query.to_string()),
                ("JAEGER_GRPC_PORT", ports.query_grpc.to_string()),
                ("OTLP_GRPC_PORT", ports.jaeger_grpc.to_string()),
                ("OTLP_HTTP_PORT", ports.jaeger_http.to_string()),
                ("HEALTH_PORT", ports.jaeger_health.to_string()),
                ("METRICS_PORT", ports.jaeger_metrics.to_string()),
                // It would trace its own queries, to a Collector that it guesses.
                ("OTEL_TRACES_SAMPLER", "always_off".to_owned()),
            ],
        };
        let own = own
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value));
        let set = self.variables.iter().filter(|it| it.0 == tool);
        let set = set.map(|(_, name, value)| (name.clone(), value.clone()));
        own.chain(set).collect()
    }
}
