//! The configuration as types. `read` makes them from the environment.

use std::time::Duration;

use opentelemetry::KeyValue;
use tracing_subscriber::filter::Targets;

use super::error::Problem;
use super::otlp_config::OtlpConfig;

/// The traced service, as compiled into the binary.
#[derive(Clone, Copy, Debug)]
pub struct ServiceInfo {
    /// `service.name`, unless `OTEL_SERVICE_NAME` or `OTEL_RESOURCE_ATTRIBUTES` sets it.
    pub name: &'static str,
    /// `service.version`, unless `OTEL_RESOURCE_ATTRIBUTES` sets it.
    pub version: &'static str,
}

impl ServiceInfo {
    /// A service with this name and version.
    pub const fn new(name: &'static str, version: &'static str) -> Self {
        Self { name, version }
    }
}

/// The values of the `OTEL_*` variables and `RUST_LOG`.
#[derive(Clone, Debug)]
pub struct Config {
    /// `OTEL_SDK_DISABLED`: create no spans. Context is still propagated.
    pub disabled: bool,
    /// `OTEL_PROPAGATORS`, in order, without duplicates; empty for `none`.
    pub propagators: Vec<PropagatorKind>,
    /// `OTEL_TRACES_EXPORTER`.
    pub exporter: ExporterKind,
    /// `OTEL_TRACES_SAMPLER` with its `OTEL_TRACES_SAMPLER_ARG`.
    pub sampler: SamplerKind,
    /// `OTEL_BSP_*`.
    pub batch: BatchConfig,
    /// `OTEL_EXPORTER_OTLP_*`.
    pub otlp: OtlpConfig,
    /// `RUST_LOG` and `OTEL_LOG_LEVEL`: the log lines that are written, and the `#[instrument]` spans
    /// below INFO that are created.
    pub log: Targets,
    /// `OTEL_SPAN_*_LIMIT`, `OTEL_EVENT_*_LIMIT`, `OTEL_LINK_*_LIMIT`, `OTEL_ATTRIBUTE_*_LIMIT`.
    pub limits: Limits,
    /// The resource attributes: `service.name`, `service.version`, `service.instance.id`,
    /// `telemetry.sdk.*` and those of `OTEL_RESOURCE_ATTRIBUTES`, each key once.
    pub resource: Vec<KeyValue>,
    /// The variables that are invalid or have no effect. [`init`](crate::init) logs them.
    pub warnings: Vec<Problem>,
}

/// One entry of `OTEL_PROPAGATORS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PropagatorKind {
    /// `tracecontext`: W3C Trace Context.
    TraceContext,
    /// `baggage`: W3C Baggage.
    Baggage,
    /// `b3`: B3 single header.
    B3,
    /// `b3multi`: B3 multiple headers.
    B3Multi,
    /// `jaeger`: `uber-trace-id` and `uberctx-*`.
    Jaeger,
}

/// `OTEL_TRACES_EXPORTER`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExporterKind {
    /// OTLP over HTTP with protobuf bodies.
    Otlp,
    /// Each span as one line of OTLP/JSON on standard output, for debugging.
    Console,
    /// Spans are created, propagated and counted, but not exported.
    None,
}

/// `OTEL_TRACES_SAMPLER` with `OTEL_TRACES_SAMPLER_ARG`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SamplerKind {
    /// `always_on`.
    AlwaysOn,
    /// `always_off`.
    AlwaysOff,
    /// `traceidratio`: the share of traces, from 0 to 1.
    TraceIdRatio(f64),
    /// `parentbased_always_on`, the default.
    ParentBasedAlwaysOn,
    /// `parentbased_always_off`.
    ParentBasedAlwaysOff,
    /// `parentbased_traceidratio`: the share of root traces, from 0 to 1.
    ParentBasedTraceIdRatio(f64),
}

/// The batch span processor, `OTEL_BSP_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchConfig {
    /// `OTEL_BSP_MAX_QUEUE_SIZE`, in spans. Default 16384: eight times the
    /// specification's, so that no span is lost while a Collector is slow for a second.
    pub max_queue_size: usize,
    /// `OTEL_BSP_MAX_EXPORT_BATCH_SIZE`, in spans, at most `max_queue_size`. Default 2048.
    pub max_export_batch_size: usize,
    /// `OTEL_BSP_SCHEDULE_DELAY`. Default 1 s.
    pub schedule_delay: Duration,
    /// `OTEL_BSP_EXPORT_TIMEOUT`: how long one batch may be retried while newer
    /// spans need its room in the queue. Default 30 s.
    pub export_timeout: Duration,
}

/// Span limits of the trace SDK specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Attributes per span. Default 128.
    pub attributes: u32,
    /// Characters per string attribute; `None` for no limit.
    pub attribute_value_length: Option<usize>,
    /// Events per span. Default 128.
    pub events: u32,
    /// Links per span. Default 128.
    pub links: u32,
    /// Attributes per event. Default 128.
    pub attributes_per_event: u32,
    /// Attributes per link. Default 128.
    pub attributes_per_link: u32,
}
