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
        &format!("cc-{TRACE}-{SPAN}-01.what"),
        &format!("01-{TRACE}-{SPAN}-01,01-{TRACE}-{SPAN}-01"),
        &format!("{0},{0}", parent("01")),
        &parent("01").replacen("00-", "0-", 1),
        &parent("01").replacen("00-", "000-", 1),
        &parent("01").replacen("00-", ".0-", 1),
        &parent("01").replacen("00-", "0.-", 1),
        &parent("01").replacen("00-", "0A-", 1),
        &parent(".0"),
        &parent("0."),
        &parent("01").replace(TRACE, &format!("{TRACE}1")),
        &parent("01").replace(TRACE, &format!(".{}", &TRACE[1..])),
        &parent("01").replace(TRACE, &TRACE.to_uppercase()),
        &parent("01").replace(SPAN, &SPAN.to_uppercase()),
        &parent("01").replace(SPAN, &format!("{SPAN}1")),
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

/// The `tracestate` that is passed on for these headers.
fn passed_on(lists: &[&str]) -> Option<String> {
    let parent = parent("01");
    let mut sent = vec![("traceparent", &*parent)];
    sent.extend(lists.iter().map(|list| ("tracestate", *list)));
    let out = passed_through(&[Kind::TraceContext], &sent);
    assert_eq!(
        out["traceparent"], parent,
        "tracestate {lists:?} must not change the traceparent"
    );
    let list = out.get("tracestate");
    list.map(|list| list.to_str().expect("it is ASCII").to_owned())
}

#[test]
fn a_valid_tracestate_is_passed_on_unchanged() {
    let key_256 = format!("{}=1", "k".repeat(256));
    let at_256 = format!("{}@=1", "k".repeat(255));
    let value_256 = format!("k={}", "v".repeat(256));
    let many: Vec<String> = (0..32).map(|number| format!("k{number}=1")).collect();
    let values: Vec<String> = (0..32)
        .map(|number| format!("k{number:x}={}", "v".repeat(256)))
        .collect();
    let every_value: String = (' '..='~').filter(|it| !",=".contains(*it)).collect();
    for list in [
        "a=1,b=2",
        "0=1",
        "1special=1",
        "a@b=1",
        "a@=1,bar=2",
        "a@@b=1,bar=2",
        "a@b@c=1,bar=2",
        "a@@@=1",
        "a@-b=1",
        "a-_*/@=1",
        "a= 1",
        "abcdefghijklmnopqrstuvwxyz0123456789_-*/@a-z0-9_-*/=1",
        &format!("{}@{}=1", "t".repeat(241), "v".repeat(14)),
        &format!("{}@v=1", "t".repeat(242)),
        &format!("t@{}=1", "v".repeat(15)),
        &format!("a={every_value}"),
        &key_256,
        &at_256,
        &value_256,
        &many.join(","),
        &values.join(","),
    ] {
        assert_eq!(passed_on(&[list]).as_deref(), Some(list));
    }
}

#[test]
fn of_members_with_the_same_key_the_first_is_passed_on() {
    for (lists, expected) in [
        (&["foo=1,foo=1"][..], "foo=1"),
        (&["foo=1,foo=2"], "foo=1"),
        (&["foo=1", "foo=1"], "foo=1"),
        (&["foo=1", "foo=2"], "foo=1"),
        (
            &["a=1,foo=2,b@@c=3,foo=4,b@@c=5,d=6"],
            "a=1,foo=2,b@@c=3,d=6",
        ),
    ] {
        assert_eq!(passed_on(lists).as_deref(), Some(expected), "{lists:?}");
    }
}

#[test]
fn white_space_around_members_and_empty_members_are_left_out() {
    let many: Vec<String> = (0..32).map(|number| format!("k{number}=1")).collect();
    let many = many.join(",");
    for (lists, expected) in [
        (&["a=1 \t , \t b=2, \t c=3"][..], Some("a=1,b=2,c=3")),
        (&["\t a=1 \t"], Some("a=1")),
        (&["a=1", ""], Some("a=1")),
        (&["", "a=1"], Some("a=1")),
        (&[" ,\t,,a=1,,"], Some("a=1")),
        (&[&format!(",,{many},,")], Some(&*many)),
        (&[""], None),
        (&[" ", "\t", ","], None),
    ] {
        assert_eq!(passed_on(lists).as_deref(), expected, "{lists:?}");
    }
}

#[test]
fn an_invalid_tracestate_is_dropped_and_the_trace_is_continued() {
    let long_key = format!("{}=1", "k".repeat(257));
    let long_at_key = format!("{}@v=1", "k".repeat(255));
    let long_value = format!("k={}", "v".repeat(257));
    let many: Vec<String> = (0..33).map(|number| format!("k{number}=1")).collect();
    for bad in [
        "a",
        "a=",
        "=1",
        "A=1",
        "FOO=1",
        "foo =1",
        "foo.bar=1",
        "\u{e9}=1",
        "a=\u{e9}",
        "a=1=2",
        "a=\t1\t2",
        "a b=1",
        "@=1",
        "@a=1",
        "@foo=1,bar=2",
        "_a=1",
        "-a=1",
        "*a=1",
        "/a=1",
        "foo=,bar=3",
        &long_key,
        &long_at_key,
        &long_value,
        &many.join(","),
        &[&*many[..32].join(","), "k0=1"].join(","),
    ] {
        assert_eq!(passed_on(&[bad]), None, "{bad:?}");
        assert_eq!(passed_on(&["good=1", bad]), None, "good=1 and {bad:?}");
        assert_eq!(passed_on(&[bad, "good=1"]), None, "{bad:?} and good=1");
    }
}

#[test]
fn a_span_records_the_members_that_opentelemetry_accepts() {
    let sent = [
        ("traceparent", &*parent("01")),
        ("tracestate", "ot=th:8,a@@b=1,c=2"),
    ];
    let span = extracted(Kind::TraceContext, &sent);
    assert_eq!(span.trace_state().header(), "ot=th:8,c=2");
}

#[test]
fn a_tracestate_without_a_valid_traceparent_is_dropped() {
    for sent in [
        &[("tracestate", "foo=1,bar@@=2")][..],
        &[("traceparent", "garbage"), ("tracestate", "foo=1")],
    ] {
        assert!(
            passed_through(&[Kind::TraceContext], sent).is_empty(),
            "{sent:?}"
        );
    }
}

#[test]
fn the_flags_of_level_2_are_passed_on_and_others_are_not() {
    for (flags, expected) in [
        ("00", "00"),
        ("01", "01"),
        ("02", "02"),
        ("03", "03"),
        ("04", "00"),
        ("fc", "00"),
        ("fd", "01"),
        ("ff", "03"),
    ] {
        for version in ["00-", "01-", "cc-", "fe-"] {
            let sent = parent(flags).replacen("00-", version, 1);
            let out = passed_through(&[Kind::TraceContext], &[("traceparent", &sent)]);
            assert_eq!(out["traceparent"], parent(expected), "{sent}");
        }
    }
}

#[test]
fn white_space_around_a_traceparent_is_ignored() {
    let valid = parent("01");
    for sent in [
        format!(" {valid}"),
        format!("\t{valid}"),
        format!("{valid} "),
        format!("{valid}\t"),
        format!("\t {valid} \t"),
    ] {
        let span = extracted(Kind::TraceContext, &[("traceparent", &sent)]);
        assert!(span.is_valid(), "{sent:?}");
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
