//! W3C's two formats straight from and into HTTP's headers.
//!
//! By OpenTelemetry's carriers each propagator looks for each of its headers,
//! there or not, and hands over every value as a list or a text of its own: about
//! twice the instructions, in either direction.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;

use super::carrier::text;
use super::{baggage, trace_context};

const TRACEPARENT: HeaderName = HeaderName::from_static(trace_context::TRACEPARENT);
const TRACESTATE: HeaderName = HeaderName::from_static(trace_context::TRACESTATE);
const BAGGAGE: HeaderName = HeaderName::from_static(baggage::BAGGAGE);

/// Which of the two are spoken.
#[derive(Clone, Copy, Debug)]
pub(super) struct W3c {
    pub(super) trace_context: bool,
    pub(super) baggage: bool,
}

impl W3c {
    /// What a caller's headers say.
    pub(super) fn extract(self, headers: &HeaderMap) -> Context {
        let mut context = Context::new();
        let (mut parent, mut parents) = (None, 0);
        let (mut has_state, mut has_baggage) = (false, false);
        for (name, value) in headers {
            if name == TRACEPARENT {
                parent = Some(value);
                parents += 1;
            } else if name == TRACESTATE {
                has_state = true;
            } else if name == BAGGAGE {
                has_baggage = true;
            }
        }
        let all = |name| headers.get_all(name).into_iter().map(text);
        // More than one leaves open which is right, so none is.
        if let Some(parent) = parent
            && parents == 1
            && self.trace_context
        {
            let lists = has_state.then(|| all(TRACESTATE)).into_iter().flatten();
            context = trace_context::read(&context, text(parent), lists);
        }
        if has_baggage && self.baggage {
            let lists: Vec<_> = all(BAGGAGE).collect();
            context = baggage::read(&context, &lists);
        }
        context
    }

    /// Writes a context into the headers of a call, over what is there.
    pub(super) fn inject(self, context: &Context, headers: &mut HeaderMap) {
        // What is written is what HTTP can carry; anything else would be refused
        // by the next hop, so it is not sent.
        let mut set = |name, value: Result<HeaderValue, _>| {
            if let Ok(value) = value {
                headers.insert(name, value);
            }
        };
        if self.trace_context
            && let Some((parent, state)) = trace_context::write(context)
        {
            set(TRACEPARENT, HeaderValue::from_bytes(&parent));
            if let Some(state) = state {
                set(TRACESTATE, HeaderValue::try_from(state));
            }
        }
        if self.baggage
            && let Some(baggage) = baggage::write(context)
        {
            set(BAGGAGE, HeaderValue::try_from(baggage));
        }
    }
}
