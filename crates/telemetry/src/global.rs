//! The tracer and the sampler of this process, set once by [`crate::start`].
//!
//! OpenTelemetry's own global tracer provider takes a lock and a virtual call
//! per span, so the HTTP and endpoint layers use this one.

use std::sync::OnceLock;

use crate::config::SamplerKind;
use crate::tracer::Tracer;

static TRACING: OnceLock<Tracing> = OnceLock::new();

struct Tracing {
    tracer: Option<Tracer>,
    sampler: SamplerKind,
}

/// Sets the tracer (`None` with `OTEL_SDK_DISABLED`) and the sampler. Returns
/// false, and changes nothing, if they were set before.
pub(crate) fn set(tracer: Option<Tracer>, sampler: SamplerKind) -> bool {
    TRACING.set(Tracing { tracer, sampler }).is_ok()
}

/// The tracer of the layers; `None` before [`crate::init`] and with `OTEL_SDK_DISABLED`.
pub(crate) fn tracer() -> Option<&'static Tracer> {
    TRACING.get().and_then(|tracing| tracing.tracer.as_ref())
}

/// The configured sampler; [`SamplerKind::AlwaysOff`] before [`crate::init`].
pub(crate) fn sampler() -> SamplerKind {
    TRACING
        .get()
        .map_or(SamplerKind::AlwaysOff, |tracing| tracing.sampler)
}
