//! Where the SDK hands over its spans: the sampler that counts them at their
//! start, and the span processor that encodes them at their end.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::{Link, SpanKind, TraceId};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{
    Sampler, SamplingDecision, SamplingResult, ShouldSample, Span, SpanData, SpanProcessor,
};

use super::accounting::{Accounting, DropReason};
use super::encode::{self, ValueLimit};
use super::queue::Pushed;
use super::worker::Shared;

/// The sampler that was asked for, counting what it says: the SDK tells no
/// processor of the spans that are left out.
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

/// How long `force_flush` waits; the SDK's interface gives it no time of its own.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(30);

/// Encodes each span as it ends and queues the bytes. A request never waits
/// for more than the copy of one span.
#[derive(Debug)]
pub(super) struct EncodingProcessor {
    pub(super) shared: Arc<Shared>,
    pub(super) value_limit: ValueLimit,
    /// `OTEL_TRACES_EXPORTER=none`: count and forget.
    pub(super) discard: bool,
}

thread_local! {
    /// Encoded into outside of the queue's lock, and kept for the next span.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl SpanProcessor for EncodingProcessor {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        let accounting = &self.shared.accounting;
        // Record-only spans are for processors in this process; they are not exported.
        if !span.span_context.is_sampled() {
            return accounting.sampled_out();
        }
        if self.discard {
            return accounting.refused(DropReason::ExporterNone);
        }
        // Counted before it is there to be taken, so that the exporter never settles what was not counted.
        accounting.queued();
        let pushed = BUFFER.with_borrow_mut(|buffer| {
            buffer.clear();
            encode::span(buffer, &span, self.value_limit);
            self.shared.queue.push(&span.instrumentation_scope, buffer)
        });
        match pushed {
            Pushed::Queued => {}
            Pushed::BatchReady => self.shared.wake.notify_one(),
            Pushed::Full => accounting.settled(0, 1, DropReason::QueueFull),
            Pushed::Closed => accounting.settled(0, 1, DropReason::AfterShutdown),
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        if self.shared.flush(FLUSH_TIMEOUT) {
            Ok(())
        } else {
            Err(OTelSdkError::Timeout(FLUSH_TIMEOUT))
        }
    }

    /// The pipeline shuts the queue down itself, with its own deadline.
    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
