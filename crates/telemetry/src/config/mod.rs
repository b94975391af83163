//! The standard `OTEL_*` environment variables and `RUST_LOG`, read once and
//! checked together: an invalid value is an error at start-up that names the
//! variable, and never silently replaced by a default.
//!
//! [`VARIABLES`] lists every variable with its meaning. No other module of this
//! crate reads the environment.

mod environment;
mod error;
mod model;
mod otlp;
mod otlp_config;
mod otlp_endpoint;
mod percent;
mod read;
mod redact;
mod resource;
#[cfg(test)]
mod tests;
mod variables;

pub use error::{ConfigError, Problem};
pub use model::{
    BatchConfig, Config, ExporterKind, Limits, PropagatorKind, SamplerKind, ServiceInfo,
};
pub use otlp_config::{OtlpConfig, OtlpProtocol, ProxyUrl};
pub use redact::without_secrets;
pub use variables::VARIABLES;
