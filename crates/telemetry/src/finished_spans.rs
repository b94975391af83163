//! The spans that have ended, in memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry::trace::TraceId;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

use crate::tracer;

/// The spans that have ended. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct FinishedSpans(Arc<Mutex<Vec<SpanData>>>);

impl FinishedSpans {
    /// All spans, in the order in which they ended.
    pub fn all(&self) -> Vec<SpanData> {
        self.lock().clone()
    }

    /// The spans of one trace, for tests that run concurrently.
    pub fn of_trace(&self, trace_id: TraceId) -> Vec<SpanData> {
        let spans = self.lock();
        let of_trace = spans
            .iter()
            .filter(|span| span.span_context.trace_id() == trace_id);
        of_trace.cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<SpanData>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SpanProcessor for FinishedSpans {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, mut span: SpanData) {
        if span.span_context.is_sampled() {
            tracer::correct_flags(&mut span);
            self.lock().push(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
