//! The same trace in every supported form.

use std::sync::Arc;

use super::{OtlpError, from_json, from_protobuf, gunzip};
use crate::model::{Attributes, Span, SpanKind, Status, Value};

/// The response of Jaeger 2.13 for the trace that [`check_spans`] expects.
const JAEGER: &str = include_str!("../../tests/data/jaeger-trace.json");

fn check_spans(spans: &[Span]) {
    let names: Vec<String> = spans.iter().map(Span::title).collect();
    assert_eq!(
        names,
        [
            "gateway SERVER GET /hello",
            "gateway INTERNAL hello",
            "gateway CLIENT GET /greetings/{name}",
            "hello SERVER GET /greetings/{name}",
            "hello INTERNAL greet",
        ]
    );
    let root = &spans[0];
    assert_eq!(
        root.trace_id.to_string(),
        "5b8efff798038103d269b633813fc60c"
    );
    assert_eq!(
        root.parent.expect("the caller").to_string(),
        "00f067aa0ba902b7"
    );
    assert_eq!(root.trace_state, "vendor=1");
    assert_eq!(root.flags, 769);
    assert_eq!(
        (root.start, root.end),
        (1_700_000_000_001_000_124, 1_700_000_000_020_000_123)
    );
    assert_eq!(root.status, Status::Unset, "an unset status is {{}}");
    assert_eq!(root.scope.name, "lib");
    assert_eq!(spans[1].status, Status::Ok);
    assert_eq!(spans[1].events[0].attributes["attempt"], Value::Int(1));
    let message = "timed out".to_owned();
    assert_eq!(spans[2].status, Status::Error { message });
    let link = &spans[2].links[0];
    assert_eq!(link.span_id.to_string(), "bbbbbbbbbbbbbbbb");
    assert_eq!(spans[4].parent, Some(spans[3].span_id));
}

#[test]
fn jaegers_json_keeps_all_types() {
    let spans = from_json(JAEGER.as_bytes()).expect("Jaeger's response");
    check_spans(&spans);
    let expected: Attributes = [
        ("bytes", Value::Bytes(vec![1, 2, 3])),
        ("empty", Value::Empty),
        ("flag", Value::Bool(true)),
        ("http.response.status_code", Value::Int(200)),
        ("list", Value::Array(vec![Value::from("a"), Value::Int(1)])),
        ("map", Value::Map([("x".to_owned(), Value::Int(5))].into())),
        ("ratio", Value::Double(1.0)),
        ("ratio2", Value::Double(0.25)),
        ("str", Value::from("200")),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into();
    let mut found = spans[0].attributes.clone();
    found
        .remove("@jaeger@warnings")
        .expect("an attribute that Jaeger added");
    assert_eq!(found, expected);
    assert!(
        Arc::ptr_eq(&spans[0].resource, &spans[1].resource),
        "spans of one resource share it"
    );
}

#[test]
fn the_json_of_the_specification_is_read_with_names_and_numbers() {
    let span = |kind: &str, status: &str| {
        let json = format!(
            r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{
            "traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"EEE19B7EC3C1B174",
            "parentSpanId":"","name":"x","kind":{kind},"status":{status},
            "startTimeUnixNano":1,"endTimeUnixNano":"2","someday":{{"new":[]}}}}]}}]}}]}}"#
        );
        from_json(json.as_bytes()).expect("OTLP JSON").remove(0)
    };
    let found = span(
        "\"SPAN_KIND_SERVER\"",
        r#"{"code":"STATUS_CODE_ERROR","message":"m"}"#,
    );
    assert_eq!(found.kind, SpanKind::Server);
    let message = "m".to_owned();
    assert_eq!(found.status, Status::Error { message });
    assert_eq!(found.parent, None, "an empty parent id is no parent");
    assert_eq!((found.start, found.end), (1, 2));
    assert_eq!(span("3", r#"{"code":1}"#).kind, SpanKind::Client);
    assert_eq!(span("4", "{}").status, Status::Unset);
}

#[test]
fn several_documents_are_read() {
    let twice = format!("{JAEGER}\n{JAEGER}");
    assert_eq!(from_json(twice.as_bytes()).expect("two").len(), 10);
}

#[test]
fn an_error_names_the_span_and_the_field() {
    let span = |fields: &str| {
        let json =
            format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{fields}}}]}}]}}]}}"#);
        from_json(json.as_bytes()).expect_err(fields).to_string()
    };
    let error = span(r#""name":"x","traceId":"W47/95gDgQPSabYzgTT0=","spanId":"0102030405060708""#);
    assert!(
        error.contains("span \"x\" has an invalid trace id"),
        "{error}"
    );
    let error = span(
        r#""name":"x","traceId":"5b8efff798038103d269b633813fc60c","spanId":"0000000000000000""#,
    );
    assert!(error.contains("span id"), "{error}");
    let error = span(r#""startTimeUnixNano":"soon""#);
    assert!(error.contains("\"soon\" is not a valid u64"), "{error}");
    assert!(matches!(from_json(b"[1]"), Err(OtlpError::Json(_))));
    assert!(matches!(from_protobuf(b"no"), Err(OtlpError::Protobuf(_))));
}

#[test]
fn a_small_body_cannot_exhaust_the_memory() {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder
        .write_all(&vec![0; 1 << 20])
        .expect("writing to memory succeeds");
    let bomb = encoder.finish().expect("writing to memory succeeds");
    assert!(matches!(
        gunzip(&bomb, 1 << 16),
        Err(OtlpError::TooLarge(_))
    ));
    assert_eq!(
        gunzip(&bomb, 1 << 20).expect("the limit itself").len(),
        1 << 20
    );
}
