//! Work beside the request that stays in its trace.

use std::future::Future;

use opentelemetry::Context;
use opentelemetry::context::FutureExt;
use opentelemetry::trace::TraceContextExt;
use tokio::task::JoinHandle;
use tracing::Instrument;

/// [`tokio::spawn`] with the current trace: spans and calls made inside are
/// children of the span that was current at the call.
///
/// A plain `tokio::spawn` splits the trace, and `in_current_span` alone knows
/// only `tracing`'s spans, not those of the HTTP and endpoint layers.
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(future.in_current_span().with_current_context())
}

/// The id of the current trace, 32 lowercase hex digits; `None` outside of one.
pub fn trace_id() -> Option<String> {
    Context::map_current(|context| {
        let span = context.span();
        let span = span.span_context();
        span.is_valid().then(|| span.trace_id().to_string())
    })
}
