//! Jaeger's `uber-trace-id` and `uberctx-*`.

use opentelemetry::baggage::BaggageExt;

use super::*;
use crate::propagation::caller_state::DEBUG;

const SHORT: &str = "a3ce929d0e0e4736";

#[test]
fn every_form_of_uber_trace_id_is_read() {
    for trace in [
        TRACE,
        SHORT,
        "abc",
        "00000000000000000abc",
        &TRACE.to_uppercase(),
    ] {
        for span in [SPAN, &SPAN[2..], "d", "0D"] {
            for (flags, sampled, debug) in [
                ("0", false, false),
                ("00", false, false),
                ("1", true, false),
                ("01", true, false),
                ("2", true, true),
                ("3", true, true),
                // Firehose, and bits that are not known.
                ("8", false, false),
                ("9", true, false),
                ("f", true, true),
                ("ff", true, true),
            ] {
                for parent in ["0", "", "7", SPAN] {
                    for colon in [":", "%3A", "%3a"] {
                        let value = [trace, span, parent, flags].join(colon);
                        let read = extracted(Kind::Jaeger, &[("uber-trace-id", &value)]);
                        let ids = (read.trace_id().to_string(), read.span_id().to_string());
                        let padded = |id: &str, len| format!("{:0>len$}", id.to_lowercase());
                        let trace = padded(trace.trim_start_matches('0'), 32);
                        assert_eq!(ids, (trace, padded(span, 16)), "{value}");
                        assert_eq!(read.is_sampled(), sampled, "{value}");
                        assert_eq!(read.trace_flags() & DEBUG == DEBUG, debug, "{value}");
                    }
                }
            }
        }
    }
}

#[test]
fn an_invalid_uber_trace_id_is_ignored() {
    for bad in [
        "",
        ":::",
        "0:1:0:1",
        "1:0:0:1",
        "x:1:0:1",
        "1:x:0:1",
        "1:1:0:x",
        "1:1:0:",
        "1:1:0",
        "1:1:0:1:1",
        "+1:1:0:1",
        "1:-1:0:1",
        "1:1:0:100",
        "1%:1:0:1",
        "1 :1:0:1",
        &format!("1{TRACE}:1:0:1"),
        &format!("1:1{SPAN}:0:1"),
    ] {
        let span = extracted(Kind::Jaeger, &[("uber-trace-id", bad)]);
        assert!(!span.is_valid(), "{bad:?}");
    }
}

#[test]
fn a_trace_and_its_flags_are_passed_on_without_their_short_forms() {
    for (received, sent) in [
        (format!("{TRACE}:{SPAN}:0:0"), format!("{TRACE}:{SPAN}:0:0")),
        (format!("{TRACE}:{SPAN}:7:1"), format!("{TRACE}:{SPAN}:0:1")),
        (format!("{TRACE}:{SPAN}:0:3"), format!("{TRACE}:{SPAN}:0:3")),
        (format!("{TRACE}:{SPAN}:0:2"), format!("{TRACE}:{SPAN}:0:3")),
        (
            "abc:d:0:1".to_owned(),
            format!("{:0>32}:{:0>16}:0:1", "abc", "d"),
        ),
    ] {
        let out = passed_through(&[Kind::Jaeger], &[("uber-trace-id", &received)]);
        assert_eq!(out, headers(&[("uber-trace-id", &sent)]), "{received}");
    }
    assert!(passed_through(&[Kind::Jaeger], &[]).is_empty());
}

#[test]
fn debug_is_passed_on_between_jaeger_and_b3() {
    let jaeger = format!("{TRACE}:{SPAN}:0:3");
    let b3 = format!("{TRACE}-{SPAN}-d");
    for kinds in [[Kind::Jaeger, Kind::B3], [Kind::B3, Kind::Jaeger]] {
        for sent in [("uber-trace-id", &*jaeger), ("b3", &*b3)] {
            let out = passed_through(&kinds, &[sent]);
            assert_eq!(out["uber-trace-id"], jaeger, "{sent:?}");
            assert_eq!(out["b3"], b3, "{sent:?}");
        }
    }
}

#[test]
fn baggage_headers_are_passed_on_within_the_limits_of_baggage() {
    let sent = [
        ("uber-trace-id", &*format!("{TRACE}:{SPAN}:0:1")),
        ("uberctx-user", "J%C3%BCrgen"),
    ];
    assert_eq!(passed_through(&[Kind::Jaeger], &sent), headers(&sent));
    // Baggage does not need a trace.
    assert_eq!(
        passed_through(&[Kind::Jaeger], &sent[1..]),
        headers(&sent[1..])
    );
    assert!(passed_through(&[Kind::Jaeger], &[("uberctx-user", "J\u{fc}rgen")]).is_empty());
    let names: Vec<String> = (0..100)
        .map(|number| format!("uberctx-k{number}"))
        .collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), "1")).collect();
    let context = extract(&[Kind::Jaeger], &headers(&many));
    assert_eq!(context.baggage().len(), 64);
    let big = "v".repeat(5000);
    let two = [
        ("uberctx-a", &*big),
        ("uberctx-b", &big),
        ("uberctx-c", "1"),
    ];
    let context = extract(&[Kind::Jaeger], &headers(&two));
    assert_eq!(context.baggage().len(), 2, "8192 bytes hold one big value");
}
