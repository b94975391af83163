//! Context propagation: the part of a trace that crosses process boundaries.
//!
//! The propagators that `OTEL_PROPAGATORS` names are used in its order, as
//! OpenTelemetry's composite propagator does. They work with every log level,
//! every sampler and with `OTEL_SDK_DISABLED`: if no span is made, the caller's
//! context passes through. Malformed headers are ignored, so they start a new
//! trace and never fail a request; no part of them is logged.
//!
//! The HTTP layers propagate by themselves. Use [`extract`] and [`inject`] for
//! other transports, such as Kafka or gRPC:
//!
//! ```
//! use telemetry::propagation::{self, FutureExt};
//! # use std::collections::HashMap;
//! # async fn handle(message: &str) {}
//! # async fn example(mut outgoing: HashMap<String, String>, incoming: HashMap<String, String>) {
//! propagation::inject(&mut outgoing); // a producer, in the current span
//!
//! let producer = propagation::extract(&incoming); // a consumer
//! handle("message").with_context(producer).await; // spans inside continue the trace
//! # }
//! ```

mod b3;
mod baggage;
mod baggage_keys;
pub(crate) mod caller_state;
mod carrier;
mod edge;
mod jaeger;
#[cfg(test)]
mod tests;
mod trace_context;
pub(crate) mod traceresponse;

use opentelemetry::global::{get_text_map_propagator, set_text_map_propagator};
use opentelemetry::propagation::{TextMapCompositePropagator, TextMapPropagator};

pub(crate) use self::baggage_keys::is_reserved;
pub use self::baggage_keys::{BaggageKeys, BaggageKeysError};
pub use self::carrier::HeaderExtractor;
pub(crate) use self::edge::Accepted;
pub use self::edge::{Edge, EdgeTrace, EdgeTraceError};
pub(crate) use self::trace_context::{KNOWN_FLAGS, RANDOM};
use crate::config::PropagatorKind;

pub use opentelemetry::Context;
pub use opentelemetry::context::FutureExt;
pub use opentelemetry::propagation::{Extractor, Injector};
pub use opentelemetry_http::HeaderInjector;

/// The context that a caller sent: its span and its baggage.
///
/// It does not depend on the context that is current. It is empty before
/// [`crate::init`], or if the carrier contains nothing valid.
///
/// For HTTP headers, the carrier is [`HeaderExtractor`]. Other transports
/// implement [`Extractor`]; `HashMap<String, String>` is one.
pub fn extract(carrier: &dyn Extractor) -> Context {
    get_text_map_propagator(|propagator| propagator.extract_with_context(&Context::new(), carrier))
}

/// Writes the current context into an outgoing message, over what it contains.
///
/// For HTTP headers, the carrier is [`HeaderInjector`]. Other transports
/// implement [`Injector`]; `HashMap<String, String>` is one.
pub fn inject(carrier: &mut dyn Injector) {
    inject_context(&Context::current(), carrier);
}

/// Writes a context into an outgoing message, over what it contains.
pub(crate) fn inject_context(context: &Context, carrier: &mut dyn Injector) {
    get_text_map_propagator(|propagator| propagator.inject_context(context, carrier));
}

/// Installs the propagators of these kinds as OpenTelemetry's global propagator.
pub(crate) fn install(kinds: &[PropagatorKind]) {
    set_text_map_propagator(composite(kinds));
}

fn composite(kinds: &[PropagatorKind]) -> TextMapCompositePropagator {
    TextMapCompositePropagator::new(kinds.iter().copied().map(propagator).collect())
}

fn propagator(kind: PropagatorKind) -> Box<dyn TextMapPropagator + Send + Sync> {
    match kind {
        PropagatorKind::TraceContext => Box::new(trace_context::TraceContext),
        PropagatorKind::Baggage => Box::new(baggage::Baggage),
        PropagatorKind::B3 => Box::new(b3::B3::Single),
        PropagatorKind::B3Multi => Box::new(b3::B3::Multi),
        PropagatorKind::Jaeger => Box::new(jaeger::Jaeger),
    }
}
