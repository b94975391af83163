//! What edges accept, and `traceresponse`.

use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::TraceFlags;

use super::*;
use crate::propagation::{Accepted, BaggageKeys, Edge, EdgeTrace, traceresponse};

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
    let closed = accepted(&Edge::new(EdgeTrace::Continue, keys_of("")));
    assert!(keys(&closed).is_empty());
    assert!(closed.context.span().span_context().is_valid());

    let open = accepted(&Edge::new(EdgeTrace::Continue, keys_of("tenant")));
    assert_eq!(keys(&open), ["tenant"]);

    let linked = accepted(&Edge::new(EdgeTrace::Link, keys_of("tenant")));
    assert_eq!(keys(&linked), ["tenant"]);
    assert!(
        !linked.context.span().span_context().is_valid(),
        "a linked trace is a new trace"
    );
    let link = linked.link.expect("the caller's span is linked to");
    assert_eq!(link.span_id().to_string(), SPAN);

    assert_eq!(keys(&accepted(&Edge::trusted())), ["secret", "tenant"]);
}

fn keys_of(text: &str) -> BaggageKeys {
    text.parse().expect("the keys are valid")
}

#[test]
fn keys_and_prefixes_accept_the_baggage_that_they_match() {
    for (keys, accepted, rejected) in [
        ("", &[][..], &["tenant", "*"][..]),
        (" , ", &[], &["tenant"]),
        ("tenant", &["tenant"], &["Tenant", "tenant.id", "tenan", ""]),
        ("tenant, user.tier,", &["tenant", "user.tier"], &["user"]),
        (
            "tenant.*",
            &["tenant.id", "tenant.a.b", "tenant."],
            &["tenant", "tenants.id"],
        ),
        (
            "tenant*",
            &["tenant", "tenants", "tenant.id"],
            &["a-tenant", "Tenant"],
        ),
        ("*", &["tenant", "a.b", "*", "trace_id"], &[]),
        ("a,*", &["b"], &[]),
    ] {
        let keys_accepted = keys_of(keys);
        for key in accepted {
            assert!(keys_accepted.contains(key), "{keys:?} must accept {key:?}");
        }
        for key in rejected {
            assert!(!keys_accepted.contains(key), "{keys:?} must reject {key:?}");
        }
    }
}

#[test]
fn an_invalid_pattern_is_refused_with_the_fix() {
    for (bad, hint) in [
        ("a*b", "use key, prefix.* or *"),
        ("*a", "use key, prefix.* or *"),
        ("**", "use key, prefix.* or *"),
        ("a.**", "use key, prefix.* or *"),
        ("a*.*", "use key, prefix.* or *"),
        (".*", "use key, prefix.* or *"),
        ("good,a*b", "use key, prefix.* or *"),
        ("tenant;prop", "use only letters, digits and -._"),
        ("two words", "use only letters, digits and -._"),
        ("tenant=blue", "use only letters, digits and -._"),
        ("[a-z]", "use only letters, digits and -._"),
        ("a?", "use only letters, digits and -._"),
    ] {
        let error = bad.parse::<BaggageKeys>().expect_err(bad).to_string();
        let key = bad.trim_start_matches("good,");
        assert!(error.contains(hint), "{bad:?}: {error}");
        assert!(error.contains(&format!("{key:?}")), "{bad:?}: {error}");
    }
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
