//! `traceresponse`: which span handled the request, for the caller
//! (<https://w3c.github.io/trace-context/#traceresponse-header>).

use http::HeaderValue;
use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;

use super::trace_context;

/// The header of a response that is made in this context; `None` if the context
/// has no span of this process (before [`crate::init`], or with `OTEL_SDK_DISABLED`).
pub(crate) fn header(context: &Context) -> Option<HeaderValue> {
    let span = context.span();
    let span = span.span_context();
    (span.is_valid() && !span.is_remote()).then(|| {
        HeaderValue::from_bytes(&trace_context::traceparent(span))
            .expect("hex digits and dashes are a valid header value")
    })
}
