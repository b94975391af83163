//! W3C Trace Context, Level 2, and the propagators together.

use http::HeaderValue;
use opentelemetry::baggage::BaggageExt;

use super::*;

#[test]
fn a_trace_passes_through_a_process_without_spans() {
    let sent = [("traceparent", &*parent("01")), ("tracestate", "a=1,b@c=2")];
    let out = passed_through(&[Kind::TraceContext], &sent);
    assert_eq!(
        out,
        headers(&sent),
        "the headers must be passed on unchanged"
    );
}

#[test]
fn no_empty_tracestate_is_sent() {
    let out = passed_through(&[Kind::TraceContext], &[("traceparent", &parent("00"))]);
    assert_eq!(out, headers(&[("traceparent", &parent("00"))]));
}

#[test]
fn invalid_traceparents_start_a_new_trace() {
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
fn two_traceparents_are_both_ignored() {
    let both = [
        ("traceparent", &*parent("01")),
        ("traceparent", &parent("00")),
    ];
    assert!(!extracted(Kind::TraceContext, &both).is_valid());
    let mut with_garbage = headers(&[("traceparent", &parent("01"))]);
    with_garbage.append("traceparent", HeaderValue::from_bytes(b"\xff").unwrap());
    let context = extract(&[Kind::TraceContext], &with_garbage);
    assert!(!context.span().span_context().is_valid());
}

#[test]
fn a_later_version_is_read_as_far_as_it_is_known() {
    let later = parent("0b").replace("00-", "cc-") + "-a-later-field";
    let out = passed_through(&[Kind::TraceContext], &[("traceparent", &later)]);
    assert_eq!(
        out,
        headers(&[("traceparent", &parent("03"))]),
        "version 00 and its two flags must be sent"
    );
}

#[test]
fn several_tracestate_headers_are_one_list() {
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
fn an_invalid_tracestate_is_dropped_and_the_trace_is_continued() {
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
fn a_propagator_that_reads_nothing_keeps_what_an_earlier_one_read() {
    let context = extract(
        &ALL,
        &headers(&[
            ("traceparent", &parent("01")),
            ("b3", "garbage"),
            ("uber-trace-id", "garbage"),
            ("baggage", "a=1"),
            ("uberctx-b", "2"),
        ]),
    );
    assert_eq!(context.span().span_context().trace_id().to_string(), TRACE);
    assert_eq!(context.baggage().len(), 2);
}

#[test]
fn without_propagators_nothing_is_passed_on() {
    let sent = [("traceparent", &*parent("01")), ("baggage", "a=1")];
    assert!(passed_through(&[], &sent).is_empty());
}
