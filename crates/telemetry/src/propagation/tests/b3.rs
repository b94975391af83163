//! B3: every state that <https://github.com/openzipkin/b3-propagation> names, in both
//! encodings.

use super::*;
use crate::propagation::caller_state;
use opentelemetry::trace::TraceFlags;

const SHORT: &str = "a3ce929d0e0e4736";
const ONLY: [&[Kind]; 6] = [
    &[Kind::B3],
    &[Kind::B3Multi],
    &[Kind::B3, Kind::B3Multi],
    &[Kind::B3Multi, Kind::B3],
    &[Kind::TraceContext, Kind::B3],
    &[Kind::B3Multi, Kind::Baggage, Kind::TraceContext],
];

const DENY: Option<TraceFlags> = Some(TraceFlags::NOT_SAMPLED);
const ACCEPT: Option<TraceFlags> = Some(TraceFlags::SAMPLED);
const DEFER: Option<TraceFlags> = None;

const FORCED: Option<TraceFlags> = Some(TraceFlags::new(0x05));

/// The trace id and the decision that are read from these headers.
fn read(kinds: &[Kind], sent: &[(&str, &str)]) -> (Option<String>, Option<TraceFlags>) {
    let context = extract(kinds, &headers(sent));
    let span = context.span();
    let span = span.span_context();
    let id = span.is_valid().then(|| span.trace_id().to_string());
    (id, caller_state::decision(&context))
}

#[test]
fn every_state_is_read_in_both_encodings_whichever_is_configured() {
    let ids = [("x-b3-traceid", TRACE), ("x-b3-spanid", SPAN)];
    let multi = |more: &[(&'static str, &'static str)]| [&ids[..], more].concat();
    let single = [
        ("", DEFER),
        ("-0", DENY),
        ("-1", ACCEPT),
        ("-d", FORCED),
        ("-05e3ac9a4f6e3b90", DEFER),
        ("-0-05e3ac9a4f6e3b90", DENY),
        ("-1-05e3ac9a4f6e3b90", ACCEPT),
        ("-d-05e3ac9a4f6e3b90", FORCED),
    ];
    let several = [
        (multi(&[]), DEFER),
        (multi(&[("x-b3-sampled", "0")]), DENY),
        (multi(&[("x-b3-sampled", "false")]), DENY),
        (multi(&[("x-b3-sampled", "1")]), ACCEPT),
        (multi(&[("x-b3-sampled", "true")]), ACCEPT),
        (multi(&[("x-b3-sampled", "d")]), FORCED),
        (multi(&[("x-b3-sampled", "")]), DEFER),
        (multi(&[("x-b3-flags", "1")]), FORCED),
        (multi(&[("x-b3-flags", "0")]), DEFER),
        (multi(&[("x-b3-flags", "2")]), DEFER),
        (multi(&[("x-b3-flags", "1"), ("x-b3-sampled", "1")]), FORCED),
        (multi(&[("x-b3-flags", "1"), ("x-b3-sampled", "0")]), FORCED),
        (multi(&[("x-b3-flags", "0"), ("x-b3-sampled", "1")]), ACCEPT),
        (multi(&[("x-b3-flags", "0"), ("x-b3-sampled", "0")]), DENY),
        (multi(&[("x-b3-parentspanid", SHORT)]), DEFER),
        (
            multi(&[("x-b3-parentspanid", SHORT), ("x-b3-sampled", "1")]),
            ACCEPT,
        ),
        (multi(&[("x-b3-sampled", "0"), ("x-b3-sampled", "1")]), DENY),
    ];
    for kinds in ONLY {
        for trace in [TRACE, SHORT] {
            let full = Some(format!("{trace:0>32}"));
            for (end, expected) in single {
                let value = format!("{trace}-{SPAN}{end}");
                let actual = read(kinds, &[("b3", &value)]);
                assert_eq!(actual, (full.clone(), expected), "{kinds:?}: b3: {value}");
            }
            for (mut sent, expected) in several.clone() {
                sent[0].1 = trace;
                let actual = read(kinds, &sent);
                assert_eq!(actual, (full.clone(), expected), "{kinds:?}: {sent:?}");
            }
        }
    }
}

#[test]
fn a_decision_without_ids_holds_for_the_trace_that_starts_here() {
    for kinds in ONLY {
        for (sent, expected) in [
            (&[("b3", "0")][..], DENY),
            (&[("b3", "1")], ACCEPT),
            (&[("b3", "d")], FORCED),
            (&[("x-b3-sampled", "0")], DENY),
            (&[("x-b3-sampled", "1")], ACCEPT),
            (&[("x-b3-sampled", "true")], ACCEPT),
            (&[("x-b3-flags", "1")], FORCED),
            (&[("x-b3-flags", "0")], DEFER),
            (&[("x-b3-sampled", "0"), ("x-b3-traceid", TRACE)], DENY),
            (&[("x-b3-sampled", "0"), ("x-b3-spanid", SPAN)], DENY),
            (&[("x-b3-traceid", TRACE)], DEFER),
            (&[("x-b3-spanid", SPAN)], DEFER),
        ] {
            assert_eq!(read(kinds, sent), (None, expected), "{kinds:?}: {sent:?}");
        }
    }
}

#[test]
fn invalid_headers_are_ignored() {
    let zeros = "0".repeat(32);
    for kinds in ONLY {
        for value in [
            "",
            "-",
            "2",
            "true",
            "D",
            TRACE,
            &format!("{TRACE}-"),
            &format!("-{SPAN}-1"),
            &format!("{TRACE}-{SPAN}-"),
            &format!("{TRACE}-{SPAN}-2"),
            &format!("{TRACE}-{SPAN}-true"),
            &format!("{TRACE}-{SPAN}-1-{SPAN}-1"),
            &format!("{zeros}-{SPAN}-1"),
            &format!("{TRACE}-{}-1", &zeros[..16]),
            &format!("{}-{SPAN}-1", TRACE.to_uppercase()),
            &format!("{TRACE}-00F067AA0BA902B7-1"),
            &format!("{}-{SPAN}-1", &TRACE[1..]),
            &format!("{TRACE}0-{SPAN}-1"),
            &format!("{TRACE}-{}-1", &SPAN[1..]),
            &format!("+{}-{SPAN}-1", &TRACE[1..]),
        ] {
            let actual = read(kinds, &[("b3", value)]);
            assert_eq!(actual, (None, None), "{kinds:?}: b3: {value}");
        }
        for (trace, span) in [
            (&*zeros, SPAN),
            (TRACE, &zeros[..16]),
            (&TRACE[1..], SPAN),
            (TRACE, &SPAN[1..]),
            ("4BF92F3577B34DA6A3CE929D0E0E4736", SPAN),
            ("", ""),
        ] {
            let sent = [("x-b3-traceid", trace), ("x-b3-spanid", span)];
            assert_eq!(read(kinds, &sent), (None, None), "{kinds:?}: {sent:?}");
        }
    }
}

#[test]
fn the_single_header_takes_precedence_if_it_is_valid() {
    let multi = [
        ("x-b3-traceid", TRACE),
        ("x-b3-spanid", SPAN),
        ("x-b3-sampled", "1"),
    ];
    let full = Some(format!("{SHORT:0>32}"));
    for kinds in ONLY {
        for (value, expected) in [
            (format!("{SHORT}-{SPAN}-0"), (full.clone(), DENY)),
            (format!("{SHORT}-{SPAN}"), (full.clone(), DEFER)),
            ("0".to_owned(), (None, DENY)),
            ("garbage".to_owned(), (Some(TRACE.to_owned()), ACCEPT)),
        ] {
            let sent = [&multi[..], &[("b3", &*value)]].concat();
            assert_eq!(read(kinds, &sent), expected, "{kinds:?}: {sent:?}");
        }
    }
}

#[test]
fn of_tracecontext_and_b3_the_last_one_that_is_valid_counts() {
    let single = format!("{SHORT}-{SPAN}");
    let both = [("traceparent", &*parent("01")), ("b3", &*single)];
    let of_b3 = (Some(format!("{SHORT:0>32}")), DEFER);
    let of_traceparent = (Some(TRACE.to_owned()), ACCEPT);
    assert_eq!(read(&[Kind::TraceContext, Kind::B3], &both), of_b3);
    assert_eq!(read(&[Kind::B3, Kind::TraceContext], &both), of_traceparent);
    for kinds in ONLY
        .into_iter()
        .filter(|it| it.contains(&Kind::TraceContext))
    {
        // A decision without ids does not change a trace that has one.
        for without_ids in ["0", "d"] {
            let sent = [("traceparent", &*parent("01")), ("b3", without_ids)];
            assert_eq!(read(kinds, &sent), of_traceparent, "{kinds:?}: {sent:?}");
        }
    }
}

#[test]
fn what_a_process_without_spans_received_is_passed_on_in_the_configured_encoding() {
    let pair = [("x-b3-traceid", TRACE), ("x-b3-spanid", SPAN)];
    for (end, state) in [
        ("", None),
        ("-0", Some(("x-b3-sampled", "0"))),
        ("-1", Some(("x-b3-sampled", "1"))),
        ("-d", Some(("x-b3-flags", "1"))),
    ] {
        let single = format!("{TRACE}-{SPAN}{end}");
        let single = [("b3", &*single)];
        let multi: Vec<_> = pair.into_iter().chain(state).collect();
        let alone: Vec<_> = state.into_iter().collect();
        for (received, as_single, as_multi) in [
            (&single[..], &single[..], &multi[..]),
            (&multi, &single, &multi),
            (
                &[("b3", end.trim_start_matches('-'))],
                &[("b3", end.trim_start_matches('-'))],
                &alone,
            ),
        ] {
            let expected = if state.is_none() && received.len() == 1 && received[0].1.is_empty() {
                [&[][..], &[]]
            } else {
                [as_single, as_multi]
            };
            let actual = [Kind::B3, Kind::B3Multi].map(|kind| passed_through(&[kind], received));
            assert_eq!(actual, expected.map(headers), "{received:?}");
        }
    }
    assert!(passed_through(&[Kind::B3, Kind::B3Multi], &[]).is_empty());
}

#[test]
fn the_flags_of_trace_context_and_of_b3_are_not_mixed() {
    let kinds = [Kind::TraceContext, Kind::B3, Kind::B3Multi];
    let out = passed_through(&kinds, &[("traceparent", &parent("03"))]);
    assert_eq!(out["b3"], format!("{TRACE}-{SPAN}-1"));
    assert_eq!(out["x-b3-sampled"], "1");
    assert_eq!(out["traceparent"], parent("03"));
    let out = passed_through(&kinds, &[("b3", &format!("{TRACE}-{SPAN}-d"))]);
    assert_eq!(out["b3"], format!("{TRACE}-{SPAN}-d"));
    assert_eq!(out["traceparent"], parent("01"));
}
