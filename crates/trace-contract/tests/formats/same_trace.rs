//! Each format yields the same trace, except for what the format cannot carry.

use trace_contract::model::Attributes;
use trace_contract::{Span, SpanKind, Status, Value};

use super::{FIXTURES, read};

const START: u64 = 1_700_000_000_000_000_000;

#[test]
fn every_format_yields_the_same_trace_except_for_what_it_loses() {
    let (_, reference) = FIXTURES[0];
    let reference = read(reference).expect("OTLP").spans;
    check_reference(&reference);
    for (name, bytes) in FIXTURES {
        let contents = read(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut expected = reference.clone();
        let format = match name.split('-').next() {
            Some("jaeger") if name != "jaeger-v3.json" => {
                expected.iter_mut().for_each(as_jaeger);
                "Jaeger JSON"
            }
            Some("zipkin") => {
                expected.iter_mut().for_each(as_zipkin);
                "Zipkin v2 JSON"
            }
            _ if name.contains(".binpb") => "OTLP in protobuf",
            _ => "OTLP in JSON",
        };
        assert_eq!(contents.format, format, "{name}");
        assert_eq!(contents.spans, expected, "{name}");
        let is_truncated = name.contains("truncated");
        assert_eq!(
            contents.warnings.len(),
            usize::from(is_truncated),
            "{name}: {:?}",
            contents.warnings
        );
        if is_truncated {
            let expected = "line 6, the last, is incomplete: its spans are missing";
            assert_eq!(contents.warnings[0], expected);
        }
    }
}

fn check_reference(spans: &[Span]) {
    let titles: Vec<String> = spans.iter().map(Span::title).collect();
    let expected = [
        "gateway SERVER GET /hello",
        "gateway INTERNAL hello",
        "gateway CLIENT GET /greetings/{name}",
        "hello SERVER GET /greetings/{name}",
        "hello INTERNAL greet",
    ];
    assert_eq!(titles, expected);
    let root = &spans[0];
    assert_eq!(
        (root.start, root.end),
        (START + 1_000_123, START + 19_000_456)
    );
    assert_eq!((root.flags, &*root.trace_state), (1, "vendor=1"));
    assert_eq!(
        root.parent.expect("the caller").to_string(),
        "00f067aa0ba902b7"
    );
    let attributes: Attributes = [
        ("bytes", Value::Bytes(vec![1, 2, 0xfb, 0xff])),
        ("flag", Value::Bool(true)),
        ("http.request.method", Value::from("GET")),
        ("http.response.status_code", Value::Int(200)),
        ("large", Value::Int(9_007_199_254_740_993)),
        ("list", Value::Array(vec![Value::from("a"), Value::Int(1)])),
        ("map", Value::Map([("x".to_owned(), Value::Int(5))].into())),
        ("ratio", Value::Double(0.25)),
        ("text", Value::from("ü 世界 \"quoted\"")),
        ("whole", Value::Double(2.0)),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into();
    assert_eq!(root.attributes, attributes);
    assert_eq!(root.resource["service.instance.id"], Value::from("g-1"));
    assert_eq!((&*root.scope.name, &*root.scope.version), ("lib", "1"));
    assert_eq!(spans[1].status, Status::Ok);
    assert_eq!(spans[1].events[0].attributes["attempt"], Value::Int(1));
    let message = "timed out".to_owned();
    assert_eq!(spans[2].status, Status::Error { message });
    assert_eq!(spans[2].links[0].span_id.to_string(), "bbbbbbbbbbbbbbbb");
    assert_eq!(spans[4].parent, Some(spans[3].span_id));
    assert_eq!(spans[4].kind, SpanKind::Internal);
}

/// Jaeger has microseconds, and neither lists nor maps.
fn as_jaeger(span: &mut Span) {
    in_micros(span);
    for value in span.attributes.values_mut() {
        if let Value::Array(_) | Value::Map(_) = value {
            *value = Value::String(json(value));
        }
    }
}

/// Zipkin has microseconds, attributes that are strings, no flags, no links, and no
/// attributes of the resource.
fn as_zipkin(span: &mut Span) {
    in_micros(span);
    for value in span.attributes.values_mut() {
        if value.as_str().is_none() {
            *value = Value::String(json(value));
        }
    }
    span.flags = 0;
    span.links.clear();
    let service = Value::from(span.service());
    span.resource = std::sync::Arc::new([("service.name".to_owned(), service)].into());
}

fn in_micros(span: &mut Span) {
    let times = span.events.iter_mut().map(|event| &mut event.time);
    for time in times.chain([&mut span.start, &mut span.end]) {
        *time -= *time % 1_000;
    }
}

fn json(value: &Value) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Double(number) => format!("{number:?}"),
        Value::Bytes(_) => "AQL7/w==".to_owned(),
        Value::String(text) => format!("{text:?}"),
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(json).collect();
            format!("[{}]", values.join(","))
        }
        Value::Map(map) => {
            let pairs: Vec<String> = map
                .iter()
                .map(|(key, it)| format!("{key:?}:{}", json(it)))
                .collect();
            format!("{{{}}}", pairs.join(","))
        }
        Value::Empty => String::new(),
    }
}
