//! What application code needs of the current trace.

use std::future::Future;

use opentelemetry::context::FutureExt;
use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Context, Key, KeyValue, Value};
use tokio::task::JoinHandle;
use tracing::Instrument;

/// [`tokio::spawn`] within the current trace: spans and calls made inside are
/// children of the span that was current when `spawn` was called.
///
/// A plain `tokio::spawn` splits the trace, and `in_current_span` without this
/// function knows only `tracing`'s spans, not those of the HTTP and endpoint layers.
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(future.in_current_span().with_current_context())
}

/// The id of the current trace, 32 lowercase hex digits; `None` outside a trace.
pub fn trace_id() -> Option<String> {
    Context::map_current(|context| {
        let span = context.span();
        let span = span.span_context();
        span.is_valid().then(|| span.trace_id().to_string())
    })
}

/// Sets an attribute of the current span: the innermost `#[instrument]`ed function,
/// otherwise the endpoint, otherwise the HTTP request.
///
/// Has no effect outside a trace, or if the span is not sampled. The value may be
/// a text, an integer (`i64`), a float (`f64`), a `bool`, or a list of these.
pub fn set_attribute(key: impl Into<Key>, value: impl Into<Value>) {
    let attribute = KeyValue::new(key, value);
    Context::map_current(|context| context.span().set_attribute(attribute));
}
