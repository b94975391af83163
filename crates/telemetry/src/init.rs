//! Starts and stops telemetry: the first and the last call of a service's `main`.

use std::time::Duration;

use opentelemetry::InstrumentationScope;
use opentelemetry::trace::TracerProvider;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::Config;
use crate::error::InitError;
use crate::finished_spans::FinishedSpans;
use crate::pipeline::{self, Accounting, Pipeline, SpanCounts};
use crate::{global, log, propagation};

/// Starts telemetry and installs the global `tracing` subscriber: the layer of
/// [`start`], and logs on standard output. Lines of the `log` crate are included.
///
/// # Errors
/// See [`InitError`].
pub fn init(config: &Config) -> Result<Telemetry, InitError> {
    let (telemetry, layer) = start(config)?;
    tracing_subscriber::registry()
        .with(layer)
        .with(log::layer(config.log.clone()))
        .try_init()
        .map_err(|_| InitError::SubscriberInstalled)?;
    if let (Some(_), Some(proxy)) = (&telemetry.pipeline, &config.otlp.proxy) {
        tracing::info!(%proxy, "spans are exported through a proxy (TELEMETRY_PROXY)");
    }
    Ok(telemetry)
}

/// Starts telemetry for a program that installs its own `tracing` subscriber:
/// installs the propagators and the tracer provider, and returns a layer that
/// creates spans for `#[instrument]` and the macros of `tracing`.
///
/// ```
/// use telemetry::{Config, ServiceInfo};
/// use tracing_subscriber::layer::SubscriberExt;
/// use tracing_subscriber::util::SubscriberInitExt;
///
/// let service = ServiceInfo { name: "app", version: "1.0.0" };
/// let (telemetry, layer) = telemetry::start(&Config::from_env(service)?)?;
/// tracing_subscriber::registry()
///     .with(layer)
///     .with(tracing_subscriber::fmt::layer())
///     .init();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The layer has its own filter, [`Config::log`]: it creates spans of level INFO
/// and above always, so that a quiet log never breaks a trace, and DEBUG and
/// TRACE spans if `RUST_LOG` enables them for their target (`debug`,
/// `my_crate=debug`). Events inside a span are added to it if `RUST_LOG` enables
/// them. Do not put a global level filter (a plain `EnvFilter` layer) next to
/// it: that would also remove spans. Use a per-layer filter (`with_filter`).
///
/// # Errors
/// See [`InitError`].
pub fn start<S>(config: &Config) -> Result<(Telemetry, impl Layer<S>), InitError>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    start_with(config, None)
}

/// [`start`], with all spans that end also kept in memory.
pub(crate) fn start_with<S>(
    config: &Config,
    in_memory: Option<FinishedSpans>,
) -> Result<(Telemetry, impl Layer<S>), InitError>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let pipeline = if config.disabled {
        None
    } else {
        Some(pipeline::start_with(config, in_memory)?)
    };
    let tracer = pipeline.as_ref().map(|pipeline| {
        let scope = InstrumentationScope::builder("telemetry")
            .with_version(env!("CARGO_PKG_VERSION"))
            .build();
        pipeline.provider().tracer_with_scope(scope)
    });
    if !global::set(tracer.clone(), config.sampler) {
        return Err(InitError::AlreadyInitialized);
    }
    propagation::install(&config.propagators);
    if let Some(pipeline) = &pipeline {
        opentelemetry::global::set_tracer_provider(pipeline.provider().clone());
    }
    let layer = tracer.map(|tracer| log::span_layer(tracer, config.log.clone()));
    Ok((Telemetry { pipeline }, layer))
}

/// The running telemetry of this process.
#[must_use = "queued spans are lost unless `shutdown` is called at the end"]
pub struct Telemetry {
    pipeline: Option<Pipeline>,
}

impl Telemetry {
    /// The live span counters; all zero with `OTEL_SDK_DISABLED`.
    pub fn accounting(&self) -> Accounting {
        self.pipeline
            .as_ref()
            .map_or_else(Accounting::default, Pipeline::accounting)
    }

    /// Exports the queued spans within `timeout`, and logs and returns the final counts.
    pub async fn shutdown(self, timeout: Duration) -> SpanCounts {
        let counts = match self.pipeline {
            Some(pipeline) => pipeline.shutdown(timeout).await,
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
