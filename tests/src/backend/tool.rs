//! The two programs of a backend, and what is fixed about each.

use std::path::PathBuf;

use crate::workspace;

/// A program of the backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tool {
    /// The OpenTelemetry Collector.
    Collector,
    /// Jaeger, version 2.
    Jaeger,
}

impl Tool {
    /// Both, in the order in which they are stopped.
    pub const ALL: [Self; 2] = [Self::Collector, Self::Jaeger];

    /// Its name in messages and in `ONETRACE_REQUIRE`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Collector => "collector",
            Self::Jaeger => "jaeger",
        }
    }

    /// The release that `tools/` builds and whose image is run.
    pub(super) fn version(self) -> &'static str {
        match self {
            Self::Collector => "0.161.0",
            Self::Jaeger => "2.13.0",
        }
    }

    /// The names of its program, the preferred one first.
    pub(super) fn programs(self) -> &'static [&'static str] {
        match self {
            Self::Collector => &["otelcol", "otelcol-k8s", "otelcol-contrib"],
            Self::Jaeger => &["jaeger"],
        }
    }

    pub(super) fn image(self) -> String {
        let repository = match self {
            Self::Collector => "otel/opentelemetry-collector-k8s",
            Self::Jaeger => "jaegertracing/jaeger",
        };
        format!("{repository}:{}", self.version())
    }

    /// Its configuration, which is also the chart's.
    pub(super) fn configuration(self) -> PathBuf {
        let file = format!("charts/onetrace/files/{}.yaml", self.name());
        workspace().join(file)
    }

    /// The Go module that pins and builds it.
    pub(super) fn directory(self) -> PathBuf {
        workspace().join("tools").join(self.name())
    }

    /// The program that is built there.
    pub(super) fn built(self) -> PathBuf {
        self.directory().join("bin").join(self.programs()[0])
    }

    /// The ports that it listens on: the variable of its configuration that sets each, and
    /// the default.
    pub(super) fn ports(self) -> &'static [(&'static str, u16)] {
        match self {
            Self::Collector => &[
                ("OTLP_HTTP_PORT", 4318),
                ("OTLP_GRPC_PORT", 4317),
                ("HEALTH_PORT", 13133),
                ("METRICS_PORT", 8888),
            ],
            Self::Jaeger => &[
                ("JAEGER_HTTP_PORT", 16686),
                ("JAEGER_GRPC_PORT", 16685),
                ("OTLP_GRPC_PORT", 14317),
                ("OTLP_HTTP_PORT", 14318),
                ("HEALTH_PORT", 13134),
                ("METRICS_PORT", 8887),
            ],
        }
    }
}
