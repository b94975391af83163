//! The two places where the SDK hands over its spans: the sampler at their
//! start, which counts them, and the span processor at their end, which encodes
//! and queues them.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::{Link, SpanKind, TraceId};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{
    SamplingDecision, SamplingResult, ShouldSample, Span, SpanData, SpanProcessor,
};

use super::accounting::Accounting;
use super::counts::DropReason;
use super::encode::{self, ValueLimit};
use super::queue::Pushed;
use super::worker::Shared;
use crate::sampling::Sampler;
use crate::tracer;

/// The timeout of `force_flush`; the SDK's interface has no parameter for it.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(30);

/// The configured sampler, which also counts: the SDK does not notify span
/// processors of spans that are not recorded.
#[derive(Clone, Debug)]
pub(super) struct CountingSampler {
    pub(super) inner: Sampler,
    pub(super) accounting: Accounting,
}

impl ShouldSample for CountingSampler {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let result = self
            .inner
            .should_sample(parent, trace_id, name, kind, attributes, links);
        self.accounting.created();
        if result.decision == SamplingDecision::Drop {
            self.accounting.sampled_out();
        }
        result
    }
}

/// Encodes each span when it ends, and queues the bytes. A request waits for
/// nothing else.
#[derive(Debug)]
pub(super) struct EncodingProcessor {
    pub(super) shared: Arc<Shared>,
    pub(super) value_limit: ValueLimit,
    /// With `OTEL_TRACES_EXPORTER=none` spans are only counted.
    pub(super) discard: bool,
}

impl SpanProcessor for EncodingProcessor {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, mut span: SpanData) {
        let accounting = &self.shared.accounting;
        // Record-only spans are for processors in this process; they are not exported.
        if !span.span_context.is_sampled() {
            return accounting.sampled_out();
        }
        accounting.ended();
        if self.discard {
            return accounting.dropped(1, DropReason::ExporterNone);
        }
        tracer::correct_flags(&mut span);
        match self.shared.queue.push(encode::span(span, self.value_limit)) {
            Pushed::Queued => {}
            Pushed::BatchReady => self.shared.wake.notify_one(),
            Pushed::Full => accounting.dropped(1, DropReason::QueueFull),
            Pushed::Closed => accounting.dropped(1, DropReason::AfterShutdown),
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        if self.discard || self.shared.flush(FLUSH_TIMEOUT) {
            Ok(())
        } else {
            Err(OTelSdkError::Timeout(FLUSH_TIMEOUT))
        }
    }

    /// `Pipeline::shutdown` ends the exporting thread, with its own deadline.
    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
