//! What comes in against what goes out, for every propagator.

use std::str::FromStr;

use http::{HeaderName, HeaderValue};
use opentelemetry::baggage::{BaggageExt, KeyValueMetadata};
use opentelemetry::trace::{SpanContext, TraceContextExt, TraceFlags, TraceState};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use PropagatorKind as Kind;

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

#[test]
fn a_trace_passes_through_a_process_without_spans() {
    let sent = [("traceparent", &*parent("01")), ("tracestate", "a=1,b@c=2")];
    let out = passed_through(&[Kind::TraceContext], &sent);
    assert_eq!(out, headers(&sent), "the headers must go on as they came");
}

#[test]
fn no_empty_tracestate_is_sent() {
    let out = passed_through(&[Kind::TraceContext], &[("traceparent", &parent("00"))]);
    assert_eq!(out, headers(&[("traceparent", &parent("00"))]));
}

#[test]
fn traceparents_that_break_the_rules_start_a_new_trace() {
    let long = format!("{}-", parent("01"));
    let more = format!("{}-more", parent("01"));
    for bad in [
        "",
        "00",
        &long,
        &more,
        &parent("1"),
        &parent("001"),
        &parent("+1"),
        &parent("0A"),
        &parent("01").replace("00-", "ff-"),
        &parent("01").replace("00-", "0000-"),
        &parent("01").replace("00-", "+0-"),
        &parent("01").to_uppercase(),
        &parent("01").replace('-', "_"),
        &parent("01").replace(TRACE, &"0".repeat(32)),
        &parent("01").replace(SPAN, &"0".repeat(16)),
        &parent("01").replace(TRACE, &TRACE[1..]),
        &parent("01").replace(SPAN, "00f067aa0ba902b"),
        &parent("01").replace(SPAN, "00f067aa0ba902bg"),
        &format!("01-{TRACE}-{SPAN}-01.what"),
    ] {
        let span = extracted(Kind::TraceContext, &[("traceparent", bad)]);
        assert!(!span.is_valid(), "{bad:?} must not be continued");
    }
}

#[test]
fn two_traceparents_are_none() {
    let both = [
        ("traceparent", &*parent("01")),
        ("traceparent", &parent("00")),
    ];
    assert!(!extracted(Kind::TraceContext, &both).is_valid());
    let mut with_garbage = headers(&[("traceparent", &parent("01"))]);
    with_garbage.append("traceparent", HeaderValue::from_bytes(b"\xff").unwrap());
    let context = Propagator::new(&[Kind::TraceContext]).extract(&with_garbage);
    assert!(!context.span().span_context().is_valid());
}

#[test]
fn a_later_version_is_read_as_far_as_it_is_known() {
    let later = parent("0b").replace("00-", "cc-") + "-what-the-future-holds";
    let out = passed_through(&[Kind::TraceContext], &[("traceparent", &later)]);
    assert_eq!(
        out,
        headers(&[("traceparent", &parent("03"))]),
        "version 00 and its two flags must go on"
    );
}

#[test]
fn tracestates_are_one_list_however_many_headers_hold_it() {
    let pairs = [
        ("traceparent", &*parent("01")),
        ("tracestate", "a=1 ,\tb=2"),
        ("tracestate", ""),
        ("tracestate", ",c=3"),
    ];
    let out = passed_through(&[Kind::TraceContext], &pairs);
    assert_eq!(out["tracestate"], "a=1,b=2,c=3");
}

#[test]
fn a_tracestate_that_breaks_the_rules_is_left_behind_and_the_trace_goes_on() {
    let long_key = format!("{}=1", "k".repeat(257));
    let long_value = format!("k={}", "v".repeat(257));
    let many: Vec<String> = (0..33).map(|number| format!("k{number}=1")).collect();
    for bad in [
        "a",
        "a=",
        "=1",
        "A=1",
        "a=1=2",
        "a b=1",
        "@a=1",
        "a@=1",
        "a@@b=1",
        "a@b@c=1",
        &format!("{}@v=1", "t".repeat(242)),
        &format!("t@{}=1", "v".repeat(15)),
        "a=1,a=2",
        &long_key,
        &long_value,
        &many.join(","),
    ] {
        let out = passed_through(
            &[Kind::TraceContext],
            &[("traceparent", &parent("01")), ("tracestate", bad)],
        );
        assert_eq!(
            out,
            headers(&[("traceparent", &parent("01"))]),
            "tracestate {bad:?}"
        );
    }
}

#[test]
fn baggage_keeps_values_properties_and_every_header() {
    let sent = [
        (
            "baggage",
            "token=YWJjPT0=;a;b=1 , name = J%C3%BCrgen%2C%20%25",
        ),
        ("baggage", "third=3"),
    ];
    let propagator = Propagator::new(&[Kind::Baggage]);
    let context = propagator.extract(&headers(&sent));
    let value = |key| {
        context
            .baggage()
            .get(key)
            .map(|value| value.as_str().to_owned())
    };
    assert_eq!(value("token").as_deref(), Some("YWJjPT0="));
    assert_eq!(value("name").as_deref(), Some("Jürgen, %"));
    let out = passed_through(&[Kind::Baggage], &sent);
    assert_eq!(
        out["baggage"],
        "name=J%C3%BCrgen%2C%20%25,third=3,token=YWJjPT0=;a;b=1"
    );
}

#[test]
fn bad_baggage_members_are_left_out_and_the_others_go_on() {
    let out = passed_through(
        &[Kind::Baggage],
        &[("baggage", "novalue,=1,good=1,bad key=2,,q\"=3")],
    );
    assert_eq!(out["baggage"], "good=1");
}

#[test]
fn baggage_is_bounded() {
    let big = format!("k={}", "v".repeat(8191));
    assert!(passed_through(&[Kind::Baggage], &[("baggage", &big)]).is_empty());
    let many: Vec<String> = (0..100).map(|number| format!("k{number}=1")).collect();
    let out = passed_through(&[Kind::Baggage], &[("baggage", &many.join(","))]);
    let members = out["baggage"].to_str().unwrap().split(',').count();
    assert_eq!(members, 64, "no more than 64 members go on");
    // Each byte becomes three: what went in within the limit must go out within it.
    let wide = format!("k={}", "%20".repeat(2700));
    let context = Propagator::new(&[Kind::Baggage]).extract(&headers(&[("baggage", &wide)]));
    assert_eq!(context.baggage().len(), 1);
}

#[test]
fn b3_means_what_openzipkin_says() {
    let sampled = |value: String| extracted(Kind::B3, &[("b3", &value)]).is_sampled();
    assert!(sampled(format!("{TRACE}-{SPAN}-1")));
    assert!(sampled(format!("{TRACE}-{SPAN}-1-{SPAN}")));
    assert!(
        sampled(format!("{TRACE}-{SPAN}-d")),
        "a debug trace must be sampled"
    );
    assert!(!sampled(format!("{TRACE}-{SPAN}-0")));
    assert!(!sampled(format!("{TRACE}-{SPAN}")));
    let short = extracted(Kind::B3, &[("b3", &format!("a3ce929d0e0e4736-{SPAN}-1"))]);
    assert_eq!(
        short.trace_id().to_string(),
        format!("{}a3ce929d0e0e4736", "0".repeat(16))
    );
    let multi = [
        ("x-b3-traceid", TRACE),
        ("x-b3-spanid", SPAN),
        ("x-b3-sampled", "true"),
    ];
    assert!(extracted(Kind::B3Multi, &multi).is_sampled());
    assert!(extracted(Kind::B3, &multi).is_sampled());
}

#[test]
fn b3_keeps_debug_and_never_tells_the_next_service_not_to_sample_without_a_trace() {
    let debug = format!("{TRACE}-{SPAN}-d");
    let out = passed_through(&[Kind::B3], &[("b3", &debug)]);
    assert_eq!(out, headers(&[("b3", &debug)]));
    assert!(passed_through(&[Kind::B3, Kind::B3Multi], &[]).is_empty());
}

#[test]
fn the_random_flag_is_no_b3_flag() {
    let kinds = [Kind::TraceContext, Kind::B3, Kind::B3Multi];
    let out = passed_through(&kinds, &[("traceparent", &parent("03"))]);
    assert_eq!(out["b3"], format!("{TRACE}-{SPAN}-1"));
    assert_eq!(out["x-b3-sampled"], "1");
    assert_eq!(out["traceparent"], parent("03"));
}

#[test]
fn jaeger_headers_are_read_with_and_without_encoding() {
    for value in [
        format!("{TRACE}:{SPAN}:0:1"),
        format!("{TRACE}%3A{SPAN}%3a0%3A1"),
        format!("{TRACE}:{SPAN}::3"),
    ] {
        let span = extracted(Kind::Jaeger, &[("uber-trace-id", &value)]);
        assert_eq!(span.trace_id().to_string(), TRACE, "{value}");
        assert!(span.is_sampled(), "{value}");
    }
    let short = extracted(Kind::Jaeger, &[("uber-trace-id", "abc:d:0:0")]);
    assert_eq!(short.trace_id().to_string(), format!("{:0>32}", "abc"));
    for bad in [
        "0:1:0:1",
        "1:0:0:1",
        "x:1:0:1",
        "1:1:0",
        "+1:1:0:1",
        "1:1:0:100",
        "",
    ] {
        let span = extracted(Kind::Jaeger, &[("uber-trace-id", bad)]);
        assert!(!span.is_valid(), "{bad:?}");
    }
    let sent = [
        ("uber-trace-id", &*format!("{TRACE}:{SPAN}:0:1")),
        ("uberctx-user", "J%C3%BCrgen"),
    ];
    assert_eq!(passed_through(&[Kind::Jaeger], &sent), headers(&sent));
}

#[test]
fn a_later_propagator_that_reads_nothing_leaves_what_an_earlier_one_read() {
    let context = Propagator::new(&ALL).extract(&headers(&[
        ("traceparent", &parent("01")),
        ("b3", "garbage"),
        ("uber-trace-id", "garbage"),
        ("baggage", "a=1"),
        ("uberctx-b", "2"),
    ]));
    assert_eq!(context.span().span_context().trace_id().to_string(), TRACE);
    assert_eq!(context.baggage().len(), 2);
}

#[test]
fn without_propagators_nothing_crosses() {
    let sent = [("traceparent", &*parent("01")), ("baggage", "a=1")];
    assert!(passed_through(&[], &sent).is_empty());
}

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

/// Texts that look like what is expected, and texts that do not.
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

proptest! {
    #[test]
    fn any_bytes_make_headers_that_the_next_hop_can_read(sent in vec((names(), hostile()), 0..12)) {
        let mut incoming = HeaderMap::new();
        for (name, value) in &sent {
            if let Ok(value) = HeaderValue::from_bytes(value) {
                incoming.append(*name, value);
            }
        }
        for kinds in ALL.each_ref().map(std::slice::from_ref) {
            let propagator = Propagator::new(kinds);
            let mut once = HeaderMap::new();
            propagator.inject(&propagator.extract(&incoming), &mut once);
            let mut twice = HeaderMap::new();
            propagator.inject(&propagator.extract(&once), &mut twice);
            prop_assert_eq!(once, twice, "a second hop must read what the first wrote with {:?}", kinds);
        }
        // All of them together have no one format to compare; they must still take it.
        let mut out = HeaderMap::new();
        Propagator::new(&ALL).inject(&Propagator::new(&ALL).extract(&incoming), &mut out);
    }

    #[test]
    fn a_traceparent_is_continued_exactly_when_level_2_says_so(header in "[0-9a-f]{2}-[0-9a-f]{31,33}-[0-9a-f]{15,17}-[0-9a-f]{1,3}(-[!-~]?)?") {
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
    fn every_good_tracestate_goes_on_as_it_came(
        keys in prop::collection::hash_set("[a-z0-9][a-z0-9_*/-]{0,240}(@[a-z0-9][a-z0-9_*/-]{0,13})?", 1..33),
        value in "[!-+\\--<>-~]{1,20}",
    ) {
        let list: Vec<String> = keys.iter().map(|key| format!("{key}={value}")).collect();
        let sent = [("traceparent", &*parent("01")), ("tracestate", &list.join(","))];
        let out = passed_through(&[Kind::TraceContext], &sent);
        prop_assert_eq!(out, headers(&sent));
    }

    #[test]
    fn the_same_headers_as_opentelemetrys_own_for_an_ordinary_span(trace in 1_u128.., span in 1_u64.., sampled: bool) {
        use opentelemetry_sdk::propagation::TraceContextPropagator;
        let state = TraceState::from_key_value([("a", "1")]).unwrap();
        let flags = TraceFlags::default().with_sampled(sampled);
        let context = Context::new().with_remote_span_context(SpanContext::new(trace.into(), span.into(), flags, false, state));
        let (mut ours, mut theirs) = (HeaderMap::new(), HeaderMap::new());
        Propagator::new(&[Kind::TraceContext]).inject(&context, &mut ours);
        TraceContextPropagator::new().inject_context(&context, &mut HeaderWriter(&mut theirs));
        prop_assert_eq!(ours, theirs);
    }

    #[test]
    fn any_baggage_survives_a_hop(entries in prop::collection::hash_map("[a-z]{1,8}", "\\PC{0,20}", 0..8)) {
        let pairs = entries.iter().map(|(k, v)| KeyValueMetadata::new(k.clone(), v.trim().to_owned(), ""));
        let context = Context::new().with_baggage(pairs);
        let propagator = Propagator::new(&[Kind::Baggage]);
        let mut sent = HeaderMap::new();
        propagator.inject(&context, &mut sent);
        let received = propagator.extract(&sent);
        for (key, value) in &entries {
            let value = value.trim();
            prop_assert_eq!(received.baggage().get(key).map(|v| v.as_str().to_owned()), Some(value.to_owned()));
        }
    }
}
