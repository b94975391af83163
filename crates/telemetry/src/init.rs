//! Starts and stops telemetry: the first and the last call of a service's `main`.

use std::time::Duration;

use opentelemetry::InstrumentationScope;
use opentelemetry::trace::TracerProvider;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{CONFIG_TARGET, Config};
use crate::error::InitError;
use crate::finished_spans::FinishedSpans;
use crate::pipeline::{self, Accounting, Pipeline, SpanCounts};
use crate::tracer::Tracer;
use crate::{global, log, propagation};

/// Starts telemetry and installs the global `tracing` subscriber: the layer of
/// [`start`], and logs on standard output. Lines of the `log` crate and panics are
/// included.
///
/// # Errors
/// See [`InitError`].
pub fn init(config: &Config) -> Result<Telemetry, InitError> {
    let (telemetry, layer) = start(config)?;
    let output = log::Output::start().map_err(InitError::LogThread)?;
    tracing_subscriber::registry()
        .with(layer)
        .with(log::layer(config.log.clone(), output))
        .try_init()
        .map_err(|_| InitError::SubscriberInstalled)?;
    log::install_panic_hook();
    if let (Some(_), Some(proxy)) = (&telemetry.pipeline, &config.otlp.proxy) {
        tracing::info!(%proxy, "spans are exported through a proxy (TELEMETRY_PROXY)");
    }
    for warning in &config.warnings {
        tracing::warn!(target: CONFIG_TARGET, "{warning}");
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
/// Log [`Config::warnings`] after the subscriber is installed; [`init`] does.
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
        Tracer::new(pipeline.provider().tracer_with_scope(scope))
    });
    if !global::set(tracer.clone(), config.sampler) {
        return Err(InitError::AlreadyInitialized);
    }
    propagation::install(&config.propagators);
    if let Some(pipeline) = &pipeline {
        opentelemetry::global::set_tracer_provider(pipeline.provider().clone());
    }
    let layer = tracer.map(|tracer| log::span_layer(tracer, config.log.clone()));
    let telemetry = Telemetry {
        pipeline,
        log: FlushLog,
    };
    Ok((telemetry, layer))
}

/// The running telemetry of this process.
#[must_use = "queued spans are lost unless `shutdown` is called at the end"]
pub struct Telemetry {
    pipeline: Option<Pipeline>,
    /// The last field: it is dropped last.
    log: FlushLog,
}

/// Waits for the last log lines to be written, also if `main` returns early or
/// panics.
struct FlushLog;

impl FlushLog {
    /// More is needed only if the reader of standard output is stalled, and then no
    /// time is enough.
    const TIMEOUT: Duration = Duration::from_millis(250);
}

impl Drop for FlushLog {
    fn drop(&mut self) {
        log::flush_log(Self::TIMEOUT);
    }
}

impl Telemetry {
    /// The live span counters; all zero with `OTEL_SDK_DISABLED`.
    pub fn accounting(&self) -> Accounting {
        self.pipeline
            .as_ref()
            .map_or_else(Accounting::default, Pipeline::accounting)
    }

    /// Exports the queued spans, logs and returns the final counts, and writes the
    /// last log lines, all within `timeout`.
    pub async fn shutdown(self, timeout: Duration) -> SpanCounts {
        let Self { pipeline, log } = self;
        let export = timeout.saturating_sub(FlushLog::TIMEOUT);
        let counts = match pipeline {
            Some(pipeline) => pipeline.shutdown(export).await,
            None => SpanCounts::default(),
        };
        if counts.lost() > 0 {
            tracing::warn!(spans = %counts, "telemetry ended; spans were dropped");
        } else {
            tracing::info!(spans = %counts, "telemetry ended");
        }
        drop(log);
        counts
    }
}
