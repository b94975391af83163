//! B3 and Jaeger.

use super::*;

#[test]
fn b3_is_read_as_openzipkin_specifies() {
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
fn b3_keeps_debug_and_sends_no_sampling_decision_without_a_trace() {
    let debug = format!("{TRACE}-{SPAN}-d");
    let out = passed_through(&[Kind::B3], &[("b3", &debug)]);
    assert_eq!(out, headers(&[("b3", &debug)]));
    assert!(passed_through(&[Kind::B3, Kind::B3Multi], &[]).is_empty());
}

#[test]
fn the_random_flag_is_not_sent_as_b3() {
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
