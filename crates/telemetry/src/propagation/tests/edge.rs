//! What edges accept, and `traceresponse`.

use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::TraceFlags;

use super::*;
use crate::propagation::{Accepted, Edge, EdgeTrace, traceresponse};

fn accepted(edge: &Edge) -> Accepted {
    let sent = [
        ("traceparent", &*parent("01")),
        ("tracestate", "a=1"),
        ("baggage", "tenant=blue,secret=1"),
    ];
    edge.accept(extract(
        &[Kind::TraceContext, Kind::Baggage],
        &headers(&sent),
    ))
}

#[test]
fn an_edge_accepts_only_what_it_allows() {
    let keys = |accepted: &Accepted| {
        let mut keys: Vec<String> = accepted
            .context
            .baggage()
            .iter()
            .map(|(key, _)| key.to_string())
            .collect();
        keys.sort();
        keys
    };
    let closed = accepted(&Edge::new(EdgeTrace::Continue, vec![]));
    assert!(keys(&closed).is_empty());
    assert!(closed.context.span().span_context().is_valid());

    let open = accepted(&Edge::new(EdgeTrace::Continue, vec!["tenant".to_owned()]));
    assert_eq!(keys(&open), ["tenant"]);

    let linked = accepted(&Edge::new(EdgeTrace::Link, vec!["tenant".to_owned()]));
    assert_eq!(keys(&linked), ["tenant"]);
    assert!(
        !linked.context.span().span_context().is_valid(),
        "a linked trace is a new trace"
    );
    let link = linked.link.expect("the caller's span is linked to");
    assert_eq!(link.span_id().to_string(), SPAN);

    assert_eq!(keys(&accepted(&Edge::trusted())), ["secret", "tenant"]);
}

#[test]
fn traceresponse_names_a_span_of_this_process_only() {
    let span = |remote| {
        let trace = format!("{TRACE:0>32}").parse::<u128>().unwrap_or(7);
        let context = SpanContext::new(
            trace.into(),
            9.into(),
            TraceFlags::SAMPLED,
            remote,
            <_>::default(),
        );
        Context::new().with_remote_span_context(context)
    };
    let value = traceresponse::header(&span(false)).expect("a span of ours is named");
    assert_eq!(value, format!("00-{:032x}-{:016x}-01", 7, 9).as_str());
    assert!(traceresponse::header(&span(true)).is_none());
    assert!(traceresponse::header(&Context::new()).is_none());
}
