//! The environment variables, read once and checked together: the standard `OTEL_*`
//! ones, `RUST_LOG`, and our own `TELEMETRY_*`.
//!
//! As the specification requires, an invalid `OTEL_*` value causes a warning and is
//! replaced by its default. With `TELEMETRY_STRICT=true`, each warning is an error at
//! start-up. An invalid value of another variable is always an error.
//! `docs/otel-variables.md` lists every variable of the specification.
//!
//! [`VARIABLES`] lists every variable with its meaning. No other module of this
//! crate reads the environment.

mod environment;
mod error;
mod log;
mod model;
mod names;
mod otlp;
mod otlp_config;
mod otlp_endpoint;
mod own;
mod percent;
mod read;
mod redact;
mod resource;
#[cfg(test)]
mod tests;
mod unsupported;
mod variables;

pub use error::{ConfigError, Problem};
pub(crate) use log::CONFIG_TARGET;
pub use model::{
    BatchConfig, Config, ExporterKind, Limits, PropagatorKind, SamplerKind, ServiceInfo,
};
pub use otlp_config::{OtlpConfig, OtlpProtocol, ProxyUrl};
pub use redact::without_secrets;
pub use unsupported::{UNSUPPORTED, Unsupported};
pub use variables::VARIABLES;
