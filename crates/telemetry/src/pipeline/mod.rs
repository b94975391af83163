//! From a span's end to the Collector, losing nothing in silence.
//!
//! A span is encoded when it ends (`encode`), waits in a bounded queue, and is
//! sent by one thread, which repeats what can be repeated and counts what
//! became of every span ([`Accounting`]). While the Collector is away spans
//! wait until the queue is full: at the default of 16,384 spans that is half a
//! minute at 500 spans a second. A slow or absent Collector never slows a request.

mod accounting;
mod backoff;
mod console;
mod encode;
mod otlp;
mod processor;
mod prometheus;
mod queue;
mod report;
mod sink;
mod striped;
mod worker;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanLimits};

pub use self::accounting::{Accounting, DropReason, SpanCounts};
use self::encode::ValueLimit;
use self::otlp::Otlp;
use self::processor::{CountingSampler, EncodingProcessor};
use self::report::Reporter;
use self::sink::Sink;
use self::worker::{Shared, Worker};
use crate::config::{Config, ExporterKind, Limits};
use crate::sampling;

/// Why the pipeline could not start.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The OTLP exporter could not be made.
    #[error("the OTLP exporter could not be made: {0}; check OTEL_EXPORTER_OTLP_ENDPOINT")]
    Exporter(String),
    /// The exporting thread could not be started.
    #[error("the exporting thread could not be started: {0}")]
    Thread(#[from] std::io::Error),
}

/// A running pipeline.
pub struct Pipeline {
    provider: SdkTracerProvider,
    shared: Arc<Shared>,
    worker: Option<JoinHandle<()>>,
}

/// Starts the pipeline of a process.
///
/// # Errors
/// See [`PipelineError`]. A Collector that does not answer is no error: it may come later.
pub fn start(config: &Config) -> Result<Pipeline, PipelineError> {
    // The SDK's own builder would run a detector that reads the variables once more.
    let resource = Resource::builder_empty()
        .with_attributes(config.resource.iter().cloned())
        .build();
    let accounting = Accounting::with_capacity(config.batch.max_queue_size);
    let shared = Arc::new(Shared::new(&config.batch, accounting.clone()));
    let sink = match config.exporter {
        ExporterKind::Otlp => Some(Sink::Otlp(Box::new(Otlp::new(&config.otlp)?))),
        ExporterKind::Console => Some(Sink::Console),
        ExporterKind::None => None,
    };
    let processor = EncodingProcessor {
        shared: Arc::clone(&shared),
        value_limit: ValueLimit(config.limits.attribute_value_length),
        discard: sink.is_none(),
    };
    let worker = sink
        .map(|sink| spawn(config, &resource, sink, Arc::clone(&shared)))
        .transpose()?;
    let provider = SdkTracerProvider::builder()
        .with_sampler(CountingSampler {
            inner: sampling::sampler(config.sampler),
            accounting,
        })
        .with_span_limits(limits(&config.limits))
        .with_resource(resource)
        .with_span_processor(processor)
        .build();
    Ok(Pipeline {
        provider,
        shared,
        worker,
    })
}

fn spawn(
    config: &Config,
    resource: &Resource,
    sink: Sink,
    shared: Arc<Shared>,
) -> std::io::Result<JoinHandle<()>> {
    let batch = config.batch;
    let resource = encode::resource(resource);
    let endpoint = endpoint_to_show(config);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::Builder::new()
        .name("span-export".to_owned())
        .spawn(move || {
            // The exporter's own HTTP calls must never become spans.
            let _suppressed = Context::enter_telemetry_suppressed_scope();
            let worker = Worker {
                shared: &shared,
                config: batch,
                resource,
                sink,
                reporter: Reporter::new(endpoint),
            };
            runtime.block_on(worker.run());
            // A name that is still being looked up must not hold the process.
            runtime.shutdown_background();
        })
}

/// The endpoint without credentials and query.
fn endpoint_to_show(config: &Config) -> String {
    let url = &config.otlp.endpoint;
    let port = url
        .port()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    format!(
        "{}://{}{port}{}",
        url.scheme(),
        url.host_str().unwrap_or_default(),
        url.path()
    )
}

fn limits(limits: &Limits) -> SpanLimits {
    SpanLimits {
        max_events_per_span: limits.events,
        max_attributes_per_span: limits.attributes,
        max_links_per_span: limits.links,
        max_attributes_per_event: limits.attributes_per_event,
        max_attributes_per_link: limits.attributes_per_link,
    }
}

impl Pipeline {
    /// The provider whose tracers feed this pipeline.
    pub fn provider(&self) -> &SdkTracerProvider {
        &self.provider
    }

    /// The live figures.
    pub fn accounting(&self) -> Accounting {
        self.shared.accounting.clone()
    }

    /// Exports what is queued and ends the pipeline, within the given time;
    /// what could not be sent by then is counted as dropped.
    ///
    /// Spans that end meanwhile are counted as `after_shutdown`, spans that
    /// never ended as `unended`: the figures returned add up exactly.
    pub async fn shutdown(mut self, within: Duration) -> SpanCounts {
        self.shared.queue.close();
        self.shared
            .deadline
            .send_replace(Some(Instant::now() + within));
        if let Some(worker) = self.worker.take() {
            // Joining blocks, and on a current-thread runtime it would block everything.
            let joined = tokio::task::spawn_blocking(move || worker.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                tracing::error!("the exporting thread panicked; its spans are counted as dropped");
            }
        }
        while let Some(left) = self.shared.queue.take(false) {
            self.shared
                .accounting
                .settled(0, left.spans as u64, DropReason::ShutdownTimeout);
        }
        // Fails only where it was shut down before, which is as good.
        let _ = self.provider.shutdown_with_timeout(Duration::ZERO);
        self.shared.accounting.end();
        self.shared.accounting.snapshot()
    }
}
