//! What Jaeger and Zipkin write, and the trace that it stands for.

use trace_contract::{Span, SpanKind, Status, Trace, Value};

use super::read;

fn spans(json: &str) -> Vec<Span> {
    read(json.as_bytes())
        .unwrap_or_else(|error| panic!("{error} in {json}"))
        .spans
}

fn zipkin(fields: &str) -> Span {
    let json =
        format!(r#"[{{"traceId":"a","id":"b","localEndpoint":{{"serviceName":"s"}},{fields}}}]"#);
    spans(&json).remove(0)
}

fn jaeger(tags: &str) -> Span {
    let json = format!(
        r#"{{"data":[{{"spans":[{{"traceID":"a","spanID":"b","operationName":"x","processID":"p","tags":[{tags}]}}],"processes":{{"p":{{"serviceName":"s"}}}}}}]}}"#
    );
    spans(&json).remove(0)
}

#[test]
fn zipkins_kinds_and_errors_are_read() {
    let kinds = [
        ("\"CLIENT\"", SpanKind::Client),
        ("\"SERVER\"", SpanKind::Server),
        ("\"PRODUCER\"", SpanKind::Producer),
        ("\"CONSUMER\"", SpanKind::Consumer),
        ("null", SpanKind::Internal),
    ];
    for (kind, expected) in kinds {
        assert_eq!(zipkin(&format!("\"kind\":{kind}")).kind, expected, "{kind}");
    }
    let error = |message: &str| Status::Error {
        message: message.to_owned(),
    };
    let tags = [
        ("{}", Status::Unset),
        (r#"{"error":""}"#, error("")),
        (r#"{"error":"true"}"#, error("")),
        (r#"{"error":"timed out"}"#, error("timed out")),
        (r#"{"otel.status_code":"ERROR"}"#, error("")),
        (r#"{"otel.status_code":"OK"}"#, Status::Ok),
    ];
    for (tags, expected) in tags {
        let span = zipkin(&format!("\"tags\":{tags}"));
        assert_eq!(span.status, expected, "{tags}");
        assert!(span.attributes.is_empty(), "{tags}: {:?}", span.attributes);
    }
}

#[test]
fn zipkins_annotations_are_events() {
    let span = zipkin(
        r#""annotations":[{"timestamp":1,"value":"\"retry\": {\"attempt\": 1}"},{"timestamp":2,"value":"\"quoted"},{"timestamp":3,"value":"cache.miss"}]"#,
    );
    let names: Vec<&str> = span.events.iter().map(|event| &*event.name).collect();
    assert_eq!(names, ["retry", "\"quoted", "cache.miss"]);
    assert_eq!(span.events[0].attributes["attempt"], Value::Int(1));
    assert_eq!(span.events[2].time, 3_000);
}

#[test]
fn zipkins_remote_endpoint_becomes_attributes() {
    let span = zipkin(
        r#""remoteEndpoint":{"serviceName":"db","ipv4":"10.0.0.1","port":5432},"tags":{"peer.service":"mysql"}"#,
    );
    assert_eq!(span.attributes["peer.service"], Value::from("mysql"));
    assert_eq!(
        span.attributes["network.peer.address"],
        Value::from("10.0.0.1")
    );
    assert_eq!(span.attributes["network.peer.port"], Value::Int(5432));
}

#[test]
fn a_server_that_shares_the_id_of_its_client_becomes_its_child() {
    let service = |name: &str| format!(r#""localEndpoint":{{"serviceName":"{name}"}}"#);
    let (web, api) = (service("web"), service("api"));
    for shared in [r#","shared":true"#, ""] {
        let found = spans(&format!(
            r#"[{{"traceId":"a","id":"3","parentId":"2","kind":"CLIENT","name":"db",{api}}},
            {{"traceId":"a","id":"2","parentId":"1","kind":"SERVER","name":"get","timestamp":2,{api}{shared}}},
            {{"traceId":"a","id":"4","parentId":"2","name":"dns",{web}}},
            {{"traceId":"a","id":"2","parentId":"1","kind":"CLIENT","name":"get","timestamp":1,{web}}},
            {{"traceId":"a","id":"1","kind":"SERVER","name":"page",{web}}}]"#
        ));
        let trace = Trace::new(found[0].trace_id, found.clone());
        assert_eq!(trace.conflicts(), [], "ids are unique");
        let find = |name: &str, kind: SpanKind| {
            let mut spans = found.iter();
            spans
                .find(|it| it.name == name && it.kind == kind)
                .expect(name)
        };
        let client = find("get", SpanKind::Client);
        let server = find("get", SpanKind::Server);
        assert_eq!(client.parent, Some(find("page", SpanKind::Server).span_id));
        assert_eq!(server.parent, Some(client.span_id));
        assert_eq!(find("db", SpanKind::Client).parent, Some(server.span_id));
        assert_eq!(find("dns", SpanKind::Internal).parent, Some(client.span_id));
    }
}

#[test]
fn a_shared_span_without_its_client_keeps_its_id() {
    let span = zipkin(r#""shared":true,"kind":"SERVER","parentId":"1""#);
    assert_eq!(span.span_id.to_string(), "000000000000000b");
    assert_eq!(
        span.parent.expect("a parent").to_string(),
        "0000000000000001"
    );
}

#[test]
fn ids_of_64_bits_are_extended_if_the_trace_has_128_bits() {
    let table = [
        (
            "463ac35c9f6413ad",
            "463ac35c9f6413ad",
            "0000000000000000463ac35c9f6413ad",
        ),
        (
            "463ac35c9f6413ad",
            "48485a3953bb6124463ac35c9f6413ad",
            "48485a3953bb6124463ac35c9f6413ad",
        ),
    ];
    for (first, second, expected) in table {
        let found = spans(&format!(
            r#"[{{"traceId":"{first}","id":"1"}},{{"traceId":"{second}","id":"2","parentId":"1"}}]"#
        ));
        for span in found {
            assert_eq!(span.trace_id.to_string(), expected);
        }
    }
}

#[test]
fn jaegers_tags_become_the_fields_that_they_stand_for() {
    let error = |message: &str| Status::Error {
        message: message.to_owned(),
    };
    let table = [
        ("", SpanKind::Internal, Status::Unset),
        (
            r#"{"key":"span.kind","type":"string","value":"producer"}"#,
            SpanKind::Producer,
            Status::Unset,
        ),
        (
            r#"{"key":"error","type":"bool","value":true}"#,
            SpanKind::Internal,
            error(""),
        ),
        (
            r#"{"key":"error","type":"string","value":"true"}"#,
            SpanKind::Internal,
            error(""),
        ),
        (
            r#"{"key":"otel.status_code","value":"ERROR"},{"key":"otel.status_description","value":"m"}"#,
            SpanKind::Internal,
            error("m"),
        ),
        (
            r#"{"key":"otel.status_code","value":"OK"}"#,
            SpanKind::Internal,
            Status::Ok,
        ),
    ];
    for (tags, kind, status) in table {
        let span = jaeger(tags);
        assert_eq!((span.kind, &span.status), (kind, &status), "{tags}");
        assert!(span.attributes.is_empty(), "{tags}: {:?}", span.attributes);
        assert_eq!(span.service(), "s");
    }
}

#[test]
fn jaegers_types_are_kept() {
    let table = [
        (r#""type":"int64","value":5"#, Value::Int(5)),
        (
            r#""type":"int64","value":"9007199254740993""#,
            Value::Int(9_007_199_254_740_993),
        ),
        (r#""type":"float64","value":5"#, Value::Double(5.0)),
        (r#""type":"bool","value":false"#, Value::Bool(false)),
        (r#""type":"string","value":"5""#, Value::from("5")),
        (
            r#""type":"binary","value":"AQI=""#,
            Value::Bytes(vec![1, 2]),
        ),
        (r#""value":5"#, Value::Int(5)),
        (r#""value":null"#, Value::Empty),
    ];
    for (fields, expected) in table {
        let span = jaeger(&format!(r#"{{"key":"k",{fields}}}"#));
        assert_eq!(span.attributes["k"], expected, "{fields}");
    }
}

#[test]
fn jaegers_references_are_the_parent_and_links() {
    let span = |references: &str| {
        let json = format!(
            r#"{{"spans":[{{"traceID":"a","spanID":"b","operationName":"x","processID":"p","references":[{references}]}}],"processes":{{"p":{{"serviceName":"s"}}}}}}"#
        );
        let span = spans(&json).remove(0);
        let id = |id: trace_contract::SpanId| id.to_string().trim_start_matches('0').to_owned();
        let links: Vec<String> = span.links.iter().map(|link| id(link.span_id)).collect();
        (span.parent.map_or_else(String::new, id), links.join(" "))
    };
    let reference = |kind: &str, trace: &str, id: &str| {
        format!(r#"{{"refType":"{kind}","traceID":"{trace}","spanID":"{id}"}}"#)
    };
    let follows = reference("FOLLOWS_FROM", "a", "1");
    let child = reference("CHILD_OF", "a", "2");
    let other = reference("CHILD_OF", "c", "3");
    let itself = reference("CHILD_OF", "a", "b");
    for (references, expected) in [
        (String::new(), ("", "")),
        (child.clone(), ("2", "")),
        (format!("{follows},{child},{other}"), ("2", "1 3")),
        (follows.clone(), ("1", "")),
        (other.clone(), ("", "3")),
        (itself, ("", "b")),
    ] {
        let (parent, links) = span(&references);
        assert_eq!((&*parent, &*links), expected, "{references}");
    }
}

#[test]
fn traces_with_several_roots_orphans_and_missing_parts_are_read() {
    let json = r#"[{"traceId":"a","id":"1","name":"one"},{"traceId":"a","id":"2","name":"two"},{"traceId":"a","id":"3","parentId":"9","name":"orphan"}]"#;
    let found = spans(json);
    let trace = Trace::new(found[0].trace_id, found);
    assert_eq!(trace.top_level_spans().count(), 3);
    let drawn = trace_contract::waterfall(&trace);
    for name in ["one", "two", "orphan"] {
        assert!(drawn.contains(name), "{drawn}");
    }
}
