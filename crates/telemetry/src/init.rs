//! Brings telemetry up and down: what a service's main calls first and last.

use std::time::Duration;

use opentelemetry::InstrumentationScope;
use opentelemetry::trace::TracerProvider;

use crate::config::Config;
use crate::pipeline::{self, Accounting, Pipeline, PipelineError, SpanCounts};
use crate::{global, log, propagation};

/// Why telemetry could not be brought up.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// [`init`] has been called before in this process, or another library has
    /// installed a `tracing` subscriber.
    #[error(
        "telemetry is already initialised in this process; call telemetry::init once, before any other subscriber"
    )]
    AlreadyInitialised,
    /// The pipeline could not start.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
}

/// Installs the propagator, the tracer provider and the logs of this process.
///
/// # Errors
/// See [`InitError`]. Nothing is half-installed that would lose spans: without
/// an `Ok` no span is made.
pub fn init(config: &Config) -> Result<Telemetry, InitError> {
    propagation::install(&config.propagators);
    let pipeline = if config.disabled {
        None
    } else {
        Some(pipeline::start(config)?)
    };
    let tracer = pipeline.as_ref().map(|pipeline| {
        opentelemetry::global::set_tracer_provider(pipeline.provider().clone());
        let scope = InstrumentationScope::builder("telemetry")
            .with_version(env!("CARGO_PKG_VERSION"))
            .build();
        pipeline.provider().tracer_with_scope(scope)
    });
    log::install(config.log.clone(), tracer.clone())?;
    if !global::set(tracer, config.sampler) {
        return Err(InitError::AlreadyInitialised);
    }
    Ok(Telemetry { pipeline })
}

/// The running telemetry of this process.
#[must_use = "spans that are queued are lost unless `shutdown` is called at the end"]
pub struct Telemetry {
    pipeline: Option<Pipeline>,
}

impl Telemetry {
    /// The figures of every span started; all zero with `OTEL_SDK_DISABLED`.
    pub fn accounting(&self) -> Accounting {
        self.pipeline
            .as_ref()
            .map_or_else(Accounting::default, Pipeline::accounting)
    }

    /// Exports what is queued, within the given time, and says what became of
    /// every span; the last log line of the process has the figures.
    pub async fn shutdown(self, within: Duration) -> SpanCounts {
        let counts = match self.pipeline {
            Some(pipeline) => pipeline.shutdown(within).await,
            None => SpanCounts::default(),
        };
        if counts.lost() > 0 {
            tracing::warn!(spans = %counts, "telemetry ended; spans were dropped");
        } else {
            tracing::info!(spans = %counts, "telemetry ended");
        }
        counts
    }
}
