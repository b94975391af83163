//! Context propagation: what of a trace crosses from one process into the next.
//!
//! The propagators that `OTEL_PROPAGATORS` names work in its order, as
//! OpenTelemetry's composite propagator does. They work whatever the log level,
//! the sampler or `OTEL_SDK_DISABLED` says: where no span is made, the caller's
//! context passes through. Malformed headers are as good as none, so they start
//! a new trace and never fail a request; nothing of them is logged.

mod b3;
mod baggage;
mod carrier;
mod edge;
mod jaeger;
#[cfg(test)]
mod tests;
mod trace_context;
pub(crate) mod traceresponse;
mod w3c;

use std::sync::OnceLock;

use http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::propagation::{TextMapCompositePropagator, TextMapPropagator};

use self::carrier::{HeaderReader, HeaderWriter};
pub(crate) use self::edge::Admitted;
pub use self::edge::{Edge, EdgeTrace, EdgeTraceError};
pub(crate) use self::trace_context::RANDOM;
use self::w3c::W3c;
use crate::config::{Config, PropagatorKind};

static PROPAGATOR: OnceLock<Propagator> = OnceLock::new();

/// The propagators of this process, in order.
#[derive(Debug)]
pub(crate) struct Propagator {
    composite: TextMapCompositePropagator,
    /// W3C's, where there are no others: neither reads or writes what the other does.
    w3c: Option<W3c>,
}

impl Propagator {
    /// The composite of these.
    pub(crate) fn new(kinds: &[PropagatorKind]) -> Self {
        let propagators = kinds.iter().map(|kind| propagator(*kind)).collect();
        let w3c = W3c {
            trace_context: kinds.contains(&PropagatorKind::TraceContext),
            baggage: kinds.contains(&PropagatorKind::Baggage),
        };
        let others = |kind| !matches!(kind, PropagatorKind::TraceContext | PropagatorKind::Baggage);
        Self {
            composite: TextMapCompositePropagator::new(propagators),
            w3c: (!kinds.iter().copied().any(others)).then_some(w3c),
        }
    }

    /// What a caller's headers say, on top of nothing: never on top of what
    /// happens to be current on this thread.
    pub(crate) fn extract(&self, headers: &HeaderMap) -> Context {
        match self.w3c {
            Some(w3c) => w3c.extract(headers),
            None => self
                .composite
                .extract_with_context(&Context::new(), &HeaderReader(headers)),
        }
    }

    /// Writes a context into the headers of a call, over what is there.
    pub(crate) fn inject(&self, context: &Context, headers: &mut HeaderMap) {
        match self.w3c {
            Some(w3c) => w3c.inject(context, headers),
            None => self
                .composite
                .inject_context(context, &mut HeaderWriter(headers)),
        }
    }
}

fn propagator(kind: PropagatorKind) -> Box<dyn TextMapPropagator + Send + Sync> {
    match kind {
        PropagatorKind::TraceContext => Box::new(trace_context::TraceContext),
        PropagatorKind::Baggage => Box::new(baggage::Baggage),
        PropagatorKind::B3 => Box::new(b3::B3::single()),
        PropagatorKind::B3Multi => Box::new(b3::B3::multi()),
        PropagatorKind::Jaeger => Box::new(jaeger::Jaeger),
    }
}

/// Installs the propagators for this crate's layers and as OpenTelemetry's
/// global one, for libraries that ask for that.
pub(crate) fn install(settings: &Config) {
    let Propagator { composite, .. } = Propagator::new(&settings.propagators);
    opentelemetry::global::set_text_map_propagator(composite);
    // Set once a process: a second `init` fails on its own account.
    let _ = PROPAGATOR.set(Propagator::new(&settings.propagators));
}

/// [`Propagator::extract`] of the process; an empty context before [`crate::init`].
pub(crate) fn extract(headers: &HeaderMap) -> Context {
    PROPAGATOR
        .get()
        .map_or_else(Context::new, |propagator| propagator.extract(headers))
}

/// [`Propagator::inject`] of the process; nothing before [`crate::init`].
pub(crate) fn inject(context: &Context, headers: &mut HeaderMap) {
    if let Some(propagator) = PROPAGATOR.get() {
        propagator.inject(context, headers);
    }
}
