//! What is sent on for what was received, for every propagator.

mod b3;
mod baggage;
mod edge;
mod jaeger;
mod properties;
mod trace_context;

use std::str::FromStr;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{SpanContext, TraceContextExt};
use opentelemetry_http::HeaderInjector;

use super::{HeaderExtractor, composite};
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
            let name = HeaderName::from_str(name).expect("the header name is valid");
            (
                name,
                HeaderValue::from_str(value).expect("the header value is valid"),
            )
        })
        .collect()
}

/// The span context that one propagator reads from these headers.
fn extracted(kind: Kind, pairs: &[(&str, &str)]) -> SpanContext {
    let context = extract(&[kind], &headers(pairs));
    context.span().span_context().clone()
}

fn extract(kinds: &[Kind], headers: &HeaderMap) -> Context {
    composite(kinds).extract_with_context(&Context::new(), &HeaderExtractor(headers))
}

fn inject(kinds: &[Kind], context: &Context) -> HeaderMap {
    let mut headers = HeaderMap::new();
    composite(kinds).inject_context(context, &mut HeaderInjector(&mut headers));
    headers
}

/// What a process sends that makes no spans of its own.
fn passed_through(kinds: &[Kind], pairs: &[(&str, &str)]) -> HeaderMap {
    inject(kinds, &extract(kinds, &headers(pairs)))
}

fn parent(flags: &str) -> String {
    format!("00-{TRACE}-{SPAN}-{flags}")
}
