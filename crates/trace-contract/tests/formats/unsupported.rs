//! What cannot be read is named, with what to do instead.

use super::{error, read};

#[test]
fn what_is_not_a_trace_is_named() {
    let tar = [&[b'x'; 257][..], b"ustar"].concat();
    let table: [(&[u8], &str); 47] = [
        (b"", "it is empty"),
        (b" \r\n\t ", "it is empty"),
        (b"\xef\xbb\xbf", "it is empty"),
        (br#"[{"traceId":"1","id":"2","name":"x","binaryAnnotations":[]}]"#, "Zipkin v1 JSON"),
        (br#"[{"traceId":"1","id":"2","annotations":[{"value":"sr","endpoint":{}}]}]"#, "/api/v2/trace/TRACE_ID"),
        (br#"{"traceID":"1","spanID":"2","operationName":"x"}"#, "a single Jaeger span"),
        (br#"{"traceId":"AA==","spanId":"AA==","operationName":"x","process":{}}"#, "a single Jaeger span"),
        (br#"{"hits":{"hits":[{"_source":{"traceID":"1"}}]}}"#, "Elasticsearch"),
        (br#"{"data":["gateway","hello"],"total":2}"#, "a list of names"),
        (br#"{"data":[{"name":"GET /","spanKind":"server"}]}"#, "a list of names"),
        (br#"{"data":null,"total":0,"errors":[{"code":404,"msg":"trace not found"}]}"#, "without a trace: trace not found"),
        (br#"{"traces":[{"traceID":"1","rootServiceName":"x"}],"metrics":{}}"#, "a search result of Tempo"),
        (br#"{"resourceLogs":[]}"#, "OTLP logs"),
        (br#"{"resource_metrics":[]}"#, "OTLP metrics"),
        (br#"{"scopeSpans":[]}"#, "without its resource"),
        (br#"{"traceId":"1","spanId":"2","startTimeUnixNano":"1"}"#, "without its resource"),
        (br#"{"name":"x","context":{"trace_id":"0x1","span_id":"0x2"},"kind":"SpanKind.SERVER"}"#, "console exporter (Python)"),
        (br#"{"Name":"x","SpanContext":{"TraceID":"1","SpanID":"2"}}"#, "console exporter (Go)"),
        (br#"{"Traces":[{"Id":"1-5","Segments":[{"Document":"{}"}]}]}"#, "X-Ray"),
        (br#"{"trace_id":"1-5759e988-bd862e3fe1be46a994272793","id":"53995c3f42cd8ad8","start_time":1.5}"#, "X-Ray"),
        (br#"{"data":{"trace":{"spans":[{"segmentId":"1"}]}}}"#, "SkyWalking"),
        (br#"[{"traceId":"1","traceSegmentId":"2","spans":[]}]"#, "SkyWalking"),
        (br#"[[{"trace_id":1,"span_id":2,"resource":"GET /","service":"x"}]]"#, "Datadog"),
        (br#"{"projectId":"p","traceId":"1","spans":[{"spanId":"1","startTime":"x"}]}"#, "Google Cloud"),
        (br#"{"transaction":{"id":"1","trace_id":"2"}}"#, "Elastic APM"),
        (br#"{"log":{"version":"1.2","entries":[]}}"#, "a HAR file"),
        (br#"{"traceEvents":[]}"#, "Chrome"),
        (br#"{"results":{"A":{"frames":[]}}}"#, "Grafana"),
        (br#"{"service":"gateway","kind":"server","name":"GET /"}"#, "a contract"),
        (b"service: gateway\nkind: server\nname: GET /hello\n", "a contract"),
        (b"# Recorded\n\nservice: gateway\r\nkind: server\r\nchildren:\r\n", "trace-contract check CONTRACT"),
        (b"---\na: 1\n", "a YAML file"),
        (b"<!DOCTYPE html><html>", "an HTML page"),
        (b"\n  <HTML lang=en>", "an HTML page"),
        (b"<?xml version=\"1.0\"?>", "XML"),
        (b"HTTP/1.1 200 OK\r\n\r\n{}", "an HTTP response"),
        (b"hello", "text that is not JSON"),
        (b"null", "text that is not JSON"),
        (br#"{"a":1,"b":2}"#, r#"a JSON object with the keys "a", "b""#),
        (b"[1,2]", "a JSON list without objects"),
        (b"PK\x03\x04rest", "a zip archive"),
        (b"BZh91AY", "bzip2"),
        (&tar, "a tar archive"),
        (b"\x82\x81\x01\x09emitBatch", "thrift (compact)"),
        (b"\x80\x01\x00\x01\x00\x00", "thrift (binary)"),
        (b"\x0a\x14\x0a\x08\x01\x02\x03\x04\x05\x06\x07\x08\x1a\x08\x01\x02\x03\x04\x05\x06\x07\x08", "Zipkin's protobuf"),
        (b"\x00\x01\x02", "binary data in an unknown format"),
    ];
    for (bytes, expected) in table {
        let error = error(bytes);
        let shown = String::from_utf8_lossy(bytes);
        assert!(
            error.contains(expected),
            "expected {expected:?} for {shown}, got: {error}"
        );
    }
}

#[test]
fn an_error_names_the_position_and_the_cause() {
    let good = r#"{"resourceSpans":[]}"#;
    let bad_id = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"x","spanId":"1"}]}]}]}"#;
    let bad_zipkin = r#"[{"traceId":"1","id":"2","name":"x","kind":"SERVE"}]"#;
    let bad_jaeger = r#"{"data":[{"spans":[{"traceID":"1","spanID":"2","operationName":"x","processID":"p9"}],"processes":{}}]}"#;
    let table = [
        (
            format!("{good}\n\n  {bad_id}"),
            "line 3, column 71: invalid OTLP in JSON: span \"x\" has an invalid trace id",
        ),
        (
            format!("{good}\n{{\"resourceSpans\":[}}\n{good}"),
            "line 2, column 19: invalid JSON",
        ),
        (
            "{\"resourceSpans\":[".to_owned(),
            "line 1, column 18: the JSON ends in the middle of a value",
        ),
        (
            "{\n\"resourceSpans\": 5}".to_owned(),
            "line 2, column 18: invalid OTLP in JSON",
        ),
        (
            bad_zipkin.to_owned(),
            "span \"x\" has the kind \"SERVE\": expected CLIENT",
        ),
        (
            bad_jaeger.to_owned(),
            "span \"x\" has the process \"p9\", which is not in `processes`",
        ),
        (
            bad_jaeger.replace("\"2\"", "\"g\""),
            "invalid spanID: \"g\" (expected up to 16 hex digits",
        ),
    ];
    for (text, expected) in table {
        let error = error(text.as_bytes());
        assert!(
            error.contains(expected),
            "expected {expected:?} for {text}, got: {error}"
        );
    }
}

#[test]
fn compressed_data_is_limited() {
    for bomb in [gzip(&vec![b' '; 4 << 20]), zstd_bomb()] {
        let error = error(&bomb);
        assert!(error.contains("larger than 1048576 bytes"), "{error}");
    }
    let error = error(&vec![b' '; (1 << 20) + 1]);
    assert!(error.contains("larger than 1048576 bytes"), "{error}");
}

#[test]
fn truncated_compressed_data_is_reported() {
    for (name, bytes) in super::FIXTURES {
        if !matches!(name, "otlp.json.gz" | "otlp.json.zst" | "otlp.binpb.gz") {
            continue;
        }
        let error = error(&bytes[..bytes.len() - 9]);
        assert!(error.contains("Is the file complete?"), "{name}: {error}");
    }
}

#[test]
fn other_signals_between_traces_are_skipped_with_a_warning() {
    let (_, traces) = super::FIXTURES[6];
    let traces = str::from_utf8(traces).expect("JSON");
    let contents = read(format!("{{\"resourceLogs\":[]}}\n{traces}").as_bytes()).expect("traces");
    assert_eq!(contents.spans.len(), 5);
    assert_eq!(
        contents.warnings,
        ["skipped 1 documents with logs, metrics or profiles"]
    );
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder
        .write_all(bytes)
        .expect("writing to memory succeeds");
    encoder.finish().expect("writing to memory succeeds")
}

/// A frame of 64 blocks, each of which repeats one byte 128 Ki times.
fn zstd_bomb() -> Vec<u8> {
    const BLOCKS: u32 = 64;
    const RLE: u32 = 1;
    // The magic number, a descriptor without checksum, and a window of 128 KiB.
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 7 << 3];
    for block in 1..=BLOCKS {
        let header = u32::from(block == BLOCKS) | RLE << 1 | (128 << 10) << 3;
        frame.extend(&header.to_le_bytes()[..3]);
        frame.push(b' ');
    }
    frame
}
