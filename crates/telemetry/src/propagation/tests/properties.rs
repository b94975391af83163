//! For any bytes received: no panic, and the next hop can read the headers that are sent.

use opentelemetry::baggage::{BaggageExt, KeyValueMetadata};
use opentelemetry::trace::{TraceFlags, TraceState};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Texts that look like valid headers, and texts that do not.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..100),
        "[0-9a-f]{0,3}-[0-9a-fA-F]{30,34}-[0-9a-f]{14,18}-[0-9a-f+]{0,3}(-.{0,5})?"
            .prop_map(String::into_bytes),
        "([a-z0-9@*/_-]{0,8}=[ -~]{0,8}[,;]?){0,40}".prop_map(String::into_bytes),
        "([0-9a-f]{0,33}[:-]){0,5}[0-9d]{0,2}".prop_map(String::into_bytes),
        "(%[0-9a-fA-F]{0,2}|.){0,50}".prop_map(String::into_bytes),
    ]
}

fn names() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "traceparent",
        "tracestate",
        "baggage",
        "b3",
        "x-b3-traceid",
        "x-b3-spanid",
        "x-b3-sampled",
        "x-b3-flags",
        "uber-trace-id",
        "uberctx-a",
        "uberctx-",
    ])
}

/// The headers of these that HTTP allows.
fn incoming(sent: &[(&'static str, Vec<u8>)]) -> HeaderMap {
    let mut incoming = HeaderMap::new();
    for (name, value) in sent {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            incoming.append(*name, value);
        }
    }
    incoming
}

proptest! {
    #[test]
    fn any_bytes_make_headers_that_the_next_hop_can_read(sent in vec((names(), hostile()), 0..12)) {
        let incoming = incoming(&sent);
        for kinds in ALL.each_ref().map(std::slice::from_ref) {
            let once = inject(kinds, &extract(kinds, &incoming));
            let twice = inject(kinds, &extract(kinds, &once));
            prop_assert_eq!(once, twice, "a second hop must read what the first wrote with {:?}", kinds);
        }
        // All of them together have no common format to compare; they must not panic.
        inject(&ALL, &extract(&ALL, &incoming));
    }

    #[test]
    fn exactly_the_traceparents_that_level_2_allows_are_continued(header in "[0-9a-f]{2}-[0-9a-f]{31,33}-[0-9a-f]{15,17}-[0-9a-f]{1,3}(-[!-~]?)?") {
        let fields: Vec<&str> = header.split('-').collect();
        let [version, trace, span, flags, rest @ ..] = fields.as_slice() else { unreachable!() };
        let lengths = (trace.len(), span.len(), flags.len()) == (32, 16, 2);
        let zeros = trace.bytes().all(|b| b == b'0') || span.bytes().all(|b| b == b'0');
        let valid = lengths && !zeros && *version != "ff" && (*version != "00" || rest.is_empty());
        prop_assume!(HeaderValue::from_str(&header).is_ok());
        let context = extracted(Kind::TraceContext, &[("traceparent", &header)]);
        prop_assert_eq!(context.is_valid(), valid);
        if valid {
            prop_assert_eq!(context.trace_id().to_string(), *trace);
            prop_assert_eq!(context.span_id().to_string(), *span);
        }
    }

    #[test]
    fn every_valid_tracestate_is_passed_on_unchanged(
        keys in prop::collection::hash_set("[a-z0-9][a-z0-9_*/@-]{0,255}", 1..33),
        value in "[!-+\\--<>-~]{1,20}",
    ) {
        let list: Vec<String> = keys.iter().map(|key| format!("{key}={value}")).collect();
        let sent = [("traceparent", &*parent("01")), ("tracestate", &list.join(","))];
        let out = passed_through(&[Kind::TraceContext], &sent);
        prop_assert_eq!(out, headers(&sent));
    }

    #[test]
    fn the_headers_of_an_ordinary_span_equal_those_of_opentelemetrys_propagator(trace in 1_u128.., span in 1_u64.., sampled: bool) {
        let state = TraceState::from_key_value([("a", "1")]).unwrap();
        let flags = TraceFlags::default().with_sampled(sampled);
        let context = Context::new().with_remote_span_context(SpanContext::new(trace.into(), span.into(), flags, false, state));
        let mut expected = HeaderMap::new();
        TraceContextPropagator::new().inject_context(&context, &mut HeaderInjector(&mut expected));
        prop_assert_eq!(inject(&[Kind::TraceContext], &context), expected);
    }

    #[test]
    fn any_baggage_survives_a_hop(entries in prop::collection::hash_map("[a-z]{1,8}", "\\PC{0,20}", 0..8)) {
        let pairs = entries.iter().map(|(k, v)| KeyValueMetadata::new(k.clone(), v.trim().to_owned(), ""));
        let context = Context::new().with_baggage(pairs);
        let received = extract(&[Kind::Baggage], &inject(&[Kind::Baggage], &context));
        for (key, value) in &entries {
            let value = value.trim();
            prop_assert_eq!(received.baggage().get(key).map(|v| v.as_str().to_owned()), Some(value.to_owned()));
        }
    }
}
