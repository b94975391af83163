//! The path of a span from its end to the socket, in four files: the SDK calls
//! `EncodingProcessor::on_end` in `processor.rs`, which encodes the span
//! (`encode`) and appends the bytes to the bounded queue in `queue.rs`; the
//! exporting thread in `worker.rs` takes batches from the queue, retries, and
//! counts the result; `otlp.rs` sends one batch as one HTTP request.
//!
//! No span is lost silently: [`Accounting`] counts every span that is created,
//! with the reason if it is dropped. While the Collector is unavailable, spans
//! wait in the queue. The default of 16,384 spans is enough for half a minute at
//! 500 spans per second. A slow or unavailable Collector never slows a request.

mod accounting;
mod console;
mod counts;
mod encode;
mod error;
mod export_result;
mod otlp;
mod processor;
mod prometheus;
mod queue;
mod report;
mod worker;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanLimits};

pub use self::accounting::Accounting;
pub use self::counts::{DropReason, SpanCounts};
use self::encode::ValueLimit;
pub use self::error::PipelineError;
use self::otlp::Otlp;
use self::processor::{CountingSampler, EncodingProcessor};
use self::report::Reporter;
use self::worker::{Exporter, Shared, Worker};
use crate::config::{Config, ExporterKind, Limits, without_secrets};
use crate::finished_spans::FinishedSpans;
use crate::sampling;

/// A running pipeline.
pub struct Pipeline {
    provider: SdkTracerProvider,
    shared: Arc<Shared>,
    worker: Option<JoinHandle<()>>,
}

/// Starts a pipeline.
///
/// # Errors
/// See [`PipelineError`]. An unavailable Collector is not an error: it may start later.
pub fn start(config: &Config) -> Result<Pipeline, PipelineError> {
    start_with(config, None)
}

/// [`start`], with all spans that end also kept in memory.
pub(crate) fn start_with(
    config: &Config,
    in_memory: Option<FinishedSpans>,
) -> Result<Pipeline, PipelineError> {
    let shared = Arc::new(Shared::new(&config.batch));
    // Not the SDK's default resource, which reads the environment again.
    let resource = Resource::builder_empty()
        .with_attributes(config.resource.iter().cloned())
        .build();
    let exporter = match config.exporter {
        ExporterKind::Otlp => Some(Exporter::Otlp(Box::new(Otlp::new(&config.otlp)?))),
        ExporterKind::Console => Some(Exporter::Console),
        ExporterKind::None => None,
    };
    let mut provider = SdkTracerProvider::builder()
        .with_sampler(CountingSampler {
            inner: sampling::sampler(config.sampler),
            accounting: shared.accounting.clone(),
        })
        .with_span_limits(limits(&config.limits))
        .with_resource(resource.clone())
        .with_span_processor(EncodingProcessor {
            shared: Arc::clone(&shared),
            value_limit: ValueLimit(config.limits.attribute_value_length),
            discard: exporter.is_none(),
        });
    if let Some(spans) = in_memory {
        provider = provider.with_span_processor(spans);
    }
    let worker = exporter
        .map(|exporter| spawn(config, &resource, exporter, Arc::clone(&shared)))
        .transpose()?;
    Ok(Pipeline {
        provider: provider.build(),
        shared,
        worker,
    })
}

fn spawn(
    config: &Config,
    resource: &Resource,
    exporter: Exporter,
    shared: Arc<Shared>,
) -> std::io::Result<JoinHandle<()>> {
    let batch_config = config.batch;
    let resource = encode::resource(resource);
    let reporter = Reporter::new(without_secrets(config.otlp.endpoint.as_str()));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::Builder::new()
        .name("span-export".to_owned())
        .spawn(move || {
            // The exporter's own HTTP requests must not create spans.
            let _suppressed = Context::enter_telemetry_suppressed_scope();
            let worker = Worker {
                shared: &shared,
                config: batch_config,
                resource,
                exporter,
                reporter,
            };
            runtime.block_on(worker.run());
            // A pending DNS lookup must not delay the end of the process.
            runtime.shutdown_background();
        })
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

    /// The live counters.
    pub fn accounting(&self) -> Accounting {
        self.shared.accounting.clone()
    }

    /// Exports the queued spans and stops the pipeline within `timeout`. Spans
    /// that could not be sent by then are counted as dropped.
    ///
    /// Spans that end meanwhile are counted as `after_shutdown`, and spans that
    /// never ended as `unended`, so the returned counts add up exactly.
    pub async fn shutdown(mut self, timeout: Duration) -> SpanCounts {
        let Shared {
            queue,
            accounting,
            deadline,
            ..
        } = &*self.shared;
        queue.close();
        deadline.send_replace(Some(Instant::now() + timeout));
        if let Some(worker) = self.worker.take() {
            // `join` blocks, and would block everything on a current-thread runtime.
            let joined = tokio::task::spawn_blocking(move || worker.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                tracing::error!("the exporting thread panicked; its spans are counted as dropped");
            }
        }
        while let Some(spans) = queue.take(false) {
            accounting.dropped(spans.len() as u64, DropReason::ShutdownTimeout);
        }
        // An error means that the provider was shut down before.
        let _ = self.provider.shutdown_with_timeout(Duration::ZERO);
        accounting.shut_down();
        accounting.snapshot()
    }
}
