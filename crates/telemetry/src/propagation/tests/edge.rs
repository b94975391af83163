//! What edges let in, and what is answered.

use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::TraceFlags;

use super::*;
use crate::propagation::{Admitted, Edge, EdgeTrace, traceresponse};

fn admitted(edge: &Edge) -> Admitted {
    let sent = [
        ("traceparent", &*parent("01")),
        ("tracestate", "a=1"),
        ("baggage", "tenant=blue,secret=1"),
    ];
    edge.admit(Propagator::new(&[Kind::TraceContext, Kind::Baggage]).extract(&headers(&sent)))
}

#[test]
fn an_edge_lets_in_what_it_allows_and_nothing_else() {
    let keys = |admitted: &Admitted| {
        let mut keys: Vec<String> = admitted
            .context
            .baggage()
            .iter()
            .map(|(key, _)| key.to_string())
            .collect();
        keys.sort();
        assert_eq!(
            keys.len(),
            admitted.baggage.len(),
            "attributes are what travels on"
        );
        keys
    };
    let closed = admitted(&Edge::new(EdgeTrace::Continue, vec![]));
    assert!(keys(&closed).is_empty());
    assert!(closed.context.span().span_context().is_valid());

    let open = admitted(&Edge::new(EdgeTrace::Continue, vec!["tenant".to_owned()]));
    assert_eq!(keys(&open), ["tenant"]);

    let linked = admitted(&Edge::new(EdgeTrace::Link, vec!["tenant".to_owned()]));
    assert_eq!(keys(&linked), ["tenant"]);
    assert!(
        !linked.context.span().span_context().is_valid(),
        "a linked trace starts anew"
    );
    let link = linked.link.expect("the caller's span is linked to");
    assert_eq!(link.span_id().to_string(), SPAN);

    assert_eq!(keys(&admitted(&Edge::trusted())), ["secret", "tenant"]);
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
