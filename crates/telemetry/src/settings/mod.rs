//! The standard `OTEL_*` environment variables and `RUST_LOG`, read once and checked all
//! together: a value that cannot be used is named at start-up and never
//! silently replaced.
//!
//! What each variable means is in [`VARIABLES`]; how one is read is in
//! `read.rs`, `otlp.rs` and `attributes.rs`. Nothing else of this crate reads
//! the environment.

mod attributes;
mod error;
mod otlp;
mod read;
#[cfg(test)]
mod tests;
mod variables;
mod vars;

use std::ffi::OsString;
use std::time::Duration;

use opentelemetry::KeyValue;
use tracing_subscriber::filter::Targets;
use url::Url;

pub use error::{Problem, SettingsError};
pub use otlp::without_secrets;
pub use variables::VARIABLES;

/// Who is being traced, as compiled into the binary.
#[derive(Clone, Copy, Debug)]
pub struct ServiceInfo {
    /// `service.name` when neither `OTEL_SERVICE_NAME` nor `OTEL_RESOURCE_ATTRIBUTES` gives one.
    pub name: &'static str,
    /// `service.version` when `OTEL_RESOURCE_ATTRIBUTES` gives none.
    pub version: &'static str,
}

/// What the `OTEL_*` variables ask for.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `OTEL_SDK_DISABLED`: make no spans at all. Context still passes through.
    pub disabled: bool,
    /// `OTEL_PROPAGATORS`, in order, without duplicates; empty for `none`.
    pub propagators: Vec<PropagatorKind>,
    /// `OTEL_TRACES_EXPORTER`.
    pub exporter: ExporterKind,
    /// `OTEL_TRACES_SAMPLER` with its `OTEL_TRACES_SAMPLER_ARG`.
    pub sampler: SamplerKind,
    /// `OTEL_BSP_*`.
    pub batch: BatchSettings,
    /// `OTEL_EXPORTER_OTLP_*`.
    pub otlp: OtlpSettings,
    /// `RUST_LOG`: which log lines are written. It decides nothing about spans.
    pub log: Targets,
    /// `OTEL_SPAN_*_LIMIT`, `OTEL_EVENT_*_LIMIT`, `OTEL_LINK_*_LIMIT`, `OTEL_ATTRIBUTE_*_LIMIT`.
    pub limits: Limits,
    /// The resource: `service.name`, `service.version`, `service.instance.id`,
    /// `telemetry.sdk.*` and what `OTEL_RESOURCE_ATTRIBUTES` adds, each key once.
    pub resource: Vec<KeyValue>,
}

impl Settings {
    /// Reads the process's environment; see [`Settings::from_vars`].
    pub fn from_env(service: ServiceInfo) -> Result<Self, SettingsError> {
        Self::from_vars(service, |name| std::env::var_os(name))
    }

    /// Reads every variable of [`VARIABLES`] through `lookup`. An empty value is
    /// an unset one, as the OpenTelemetry specification has it.
    ///
    /// # Errors
    /// All the values that cannot be used, together.
    pub fn from_vars(
        service: ServiceInfo,
        lookup: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, SettingsError> {
        read::settings(service, &lookup)
    }
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
    /// Each span as one line of JSON on standard output, for debugging.
    Console,
    /// Spans are made, propagated and counted, and go nowhere.
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
pub struct BatchSettings {
    /// `OTEL_BSP_MAX_QUEUE_SIZE`, spans. Default 16384: eight times the
    /// specification's, so that a Collector that is slow for a second costs nothing.
    pub max_queue_size: usize,
    /// `OTEL_BSP_MAX_EXPORT_BATCH_SIZE`, spans, at most `max_queue_size`. Default 2048.
    pub max_export_batch_size: usize,
    /// `OTEL_BSP_SCHEDULE_DELAY`. Default 1 s.
    pub schedule_delay: Duration,
    /// `OTEL_BSP_EXPORT_TIMEOUT`: how long one batch may be tried, retries
    /// included, while younger spans fill the queue. Default 30 s.
    pub export_timeout: Duration,
}

/// The OTLP exporter, `OTEL_EXPORTER_OTLP_*` and `OTEL_EXPORTER_OTLP_TRACES_*`.
#[derive(Clone, PartialEq, Eq)]
pub struct OtlpSettings {
    /// The whole URL, `/v1/traces` included.
    pub endpoint: Url,
    /// Header names and values, percent-decoded. Values are secrets: never log them
    /// (`Debug` shows the names alone).
    pub headers: Vec<(String, String)>,
    /// One attempt's time. Default 10 s.
    pub timeout: Duration,
    /// `gzip` or none.
    pub gzip: bool,
}

/// Span limits of the trace SDK specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Attributes a span. Default 128.
    pub attributes: u32,
    /// Characters a string attribute keeps; `None` for all.
    pub attribute_value_length: Option<usize>,
    /// Events a span. Default 128.
    pub events: u32,
    /// Links a span. Default 128.
    pub links: u32,
    /// Attributes an event. Default 128.
    pub attributes_per_event: u32,
    /// Attributes a link. Default 128.
    pub attributes_per_link: u32,
}
