//! What comes in against what goes out, for every propagator.

mod baggage;
mod edge;
mod other_formats;
mod properties;
mod trace_context;

use std::str::FromStr;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::trace::{SpanContext, TraceContextExt};

use super::Propagator;
use crate::config::PropagatorKind as Kind;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";
const ALL: [Kind; 5] = [
    Kind::TraceContext,
    Kind::Baggage,
    Kind::B3,
    Kind::B3Multi,
    Kind::Jaeger,
];

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| {
            let name = HeaderName::from_str(name).expect("a test's header name is good");
            (name, HeaderValue::from_str(value).expect("and its value"))
        })
        .collect()
}

/// The span context that one propagator reads from these headers.
fn extracted(kind: Kind, pairs: &[(&str, &str)]) -> SpanContext {
    let context = Propagator::new(&[kind]).extract(&headers(pairs));
    context.span().span_context().clone()
}

/// What leaves a process that makes no spans of its own.
fn passed_through(kinds: &[Kind], pairs: &[(&str, &str)]) -> HeaderMap {
    let propagator = Propagator::new(kinds);
    let mut out = HeaderMap::new();
    propagator.inject(&propagator.extract(&headers(pairs)), &mut out);
    out
}

fn parent(flags: &str) -> String {
    format!("00-{TRACE}-{SPAN}-{flags}")
}
