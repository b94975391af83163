//! Which responses count as an export.

use std::io::Write;
use std::time::Duration;

use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message;
use telemetry::pipeline::DropReason::{self, NotOtlp, Rejected};

use crate::fixture::{TIMEOUT, assert_exact, create_spans, start};
use crate::raw::{RawServer, Response};

/// A batch in these tests.
const SPANS: u64 = 10;
const PROTOBUF: &str = "content-type: application/x-protobuf\r\n";
const JSON: &str = "content-type: application/json\r\n";

struct Case {
    name: &'static str,
    response: Response,
    exported: u64,
    /// Why the other spans are dropped.
    reason: DropReason,
}

fn case(name: &'static str, response: Response, exported: u64, reason: DropReason) -> Case {
    Case {
        name,
        response,
        exported,
        reason,
    }
}

/// A complete response.
fn response(status: u16, headers: &str, body: impl AsRef<[u8]>) -> Response {
    let body = body.as_ref();
    let length = match status {
        204 => String::new(),
        _ => format!("content-length: {}\r\n", body.len()),
    };
    let head = format!("HTTP/1.1 {status} Status\r\n{headers}{length}connection: close\r\n\r\n");
    Response::Bytes([head.as_bytes(), body].concat())
}

fn endless(headers: &str, pause: Duration) -> Response {
    let head = format!("HTTP/1.1 200 OK\r\n{headers}content-length: 1000000000\r\n\r\n");
    Response::Endless {
        head: head.into_bytes(),
        byte: b' ',
        pause,
    }
}

fn partial(rejected_spans: i64, error_message: &str) -> Vec<u8> {
    ExportTraceServiceResponse {
        partial_success: Some(ExportTracePartialSuccess {
            rejected_spans,
            error_message: error_message.to_owned(),
        }),
    }
    .encode_to_vec()
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body).expect("a Vec accepts all bytes");
    encoder.finish().expect("a Vec accepts all bytes")
}

/// Exports one batch with `protocol` to a server with each response.
async fn check(protocol: &str, cases: Vec<Case>) {
    for case in cases {
        let name = case.name;
        let server = RawServer::start(case.response).await;
        let vars = [("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)];
        let pipeline = start(&server.url, &vars);
        create_spans(&pipeline, 10);
        let counts = pipeline.shutdown(TIMEOUT).await;
        assert_exact(&counts, SPANS);
        assert_eq!(
            (counts.exported, counts.dropped_by(case.reason)),
            (case.exported, SPANS - case.exported),
            "{name}: {} of the spans must be exported, the others dropped as {:?}: {counts}",
            case.exported,
            case.reason
        );
        assert_eq!(server.requests(), 1, "{name}: no response may be retried");
    }
}

#[tokio::test]
async fn an_empty_success_or_a_response_of_otlp_counts_as_exported() {
    let html = "content-type: text/html\r\n";
    check(
        "http/protobuf",
        vec![
            case("empty 200", response(200, "", ""), 10, NotOtlp),
            case(
                "empty 200, protobuf",
                response(200, PROTOBUF, ""),
                10,
                NotOtlp,
            ),
            case("empty 200, HTML", response(200, html, ""), 10, NotOtlp),
            case("empty 202", response(202, "", ""), 10, NotOtlp),
            case("204", response(204, "", ""), 10, NotOtlp),
            case(
                "protobuf",
                response(200, PROTOBUF, partial(0, "")),
                10,
                NotOtlp,
            ),
            case(
                "protobuf, 201",
                response(201, PROTOBUF, partial(0, "")),
                10,
                NotOtlp,
            ),
            case(
                "case and parameters of the content type",
                response(
                    200,
                    "Content-Type: Application/X-Protobuf; Charset=UTF-8\r\n",
                    partial(4, ""),
                ),
                6,
                Rejected,
            ),
            case("JSON", response(200, JSON, "{}"), 10, NotOtlp),
            case(
                "JSON with a charset",
                response(
                    200,
                    "content-type: application/json;charset=utf-8\r\n",
                    "{}",
                ),
                10,
                NotOtlp,
            ),
            case(
                "JSON, null",
                response(200, JSON, r#"{"partialSuccess":null}"#),
                10,
                NotOtlp,
            ),
            case(
                "JSON, empty",
                response(200, JSON, r#"{"partialSuccess":{}}"#),
                10,
                NotOtlp,
            ),
            case(
                "JSON with another field",
                response(200, JSON, r#"{"partialSuccess":{},"id":7}"#),
                10,
                NotOtlp,
            ),
            case(
                "gzip",
                response(
                    200,
                    &format!("{PROTOBUF}content-encoding: gzip\r\n"),
                    gzip(&partial(4, "")),
                ),
                6,
                Rejected,
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_success_that_is_not_otlp_is_dropped_as_not_otlp() {
    let health = r#"{"status":"Server available","upSince":"2026-11-28T12:00:00Z","uptime":"1s"}"#;
    let page = "<!doctype html><title>Jaeger UI</title>";
    let gzipped = format!("{PROTOBUF}content-encoding: gzip\r\n");
    let bomb = gzip(&vec![0; 10_000_000]);
    check(
        "http/protobuf",
        vec![
            case(
                "the Collector's health port",
                response(200, JSON, health),
                0,
                NotOtlp,
            ),
            case(
                "a page",
                response(200, "content-type: text/html\r\n", page),
                0,
                NotOtlp,
            ),
            case(
                "text",
                response(200, "content-type: text/plain\r\n", "ok"),
                0,
                NotOtlp,
            ),
            case(
                "no content type",
                response(200, "", partial(0, "")),
                0,
                NotOtlp,
            ),
            case(
                "garbage as protobuf",
                response(200, PROTOBUF, "garbage"),
                0,
                NotOtlp,
            ),
            case(
                "a page as protobuf",
                response(200, PROTOBUF, page),
                0,
                NotOtlp,
            ),
            case("garbage as JSON", response(200, JSON, "{"), 0, NotOtlp),
            case("an array", response(200, JSON, "[]"), 0, NotOtlp),
            case("null", response(200, JSON, "null"), 0, NotOtlp),
            case(
                "a partial success of another kind",
                response(200, JSON, r#"{"partialSuccess":true}"#),
                0,
                NotOtlp,
            ),
            case(
                "a number of spans that is not a number",
                response(200, JSON, r#"{"partialSuccess":{"rejectedSpans":"few"}}"#),
                0,
                NotOtlp,
            ),
            case("an empty 201", response(201, "", ""), 0, NotOtlp),
            case("an empty 206", response(206, "", ""), 0, NotOtlp),
            case(
                "garbage as gzip",
                response(200, &gzipped, "garbage"),
                0,
                NotOtlp,
            ),
            case(
                "more than 64 KiB after gzip",
                response(200, &gzipped, bomb),
                0,
                NotOtlp,
            ),
            case(
                "an unknown encoding",
                response(200, &format!("{PROTOBUF}content-encoding: br\r\n"), "x"),
                0,
                NotOtlp,
            ),
            case(
                "100 kB",
                response(200, PROTOBUF, vec![0x0a; 100_000]),
                0,
                NotOtlp,
            ),
            case(
                "an endless protobuf body",
                endless(PROTOBUF, Duration::ZERO),
                0,
                NotOtlp,
            ),
            case(
                "an endless page, byte by byte",
                endless("content-type: text/html\r\n", Duration::from_millis(50)),
                0,
                NotOtlp,
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn rejected_spans_are_read_from_protobuf_and_from_json() {
    let json = |body| response(200, JSON, body);
    let protobuf = |rejected, message| response(200, PROTOBUF, partial(rejected, message));
    let cases = || {
        vec![
            case("protobuf", protobuf(3, "too old"), 7, Rejected),
            case("all", protobuf(10, "too old"), 0, Rejected),
            case("more than the batch", protobuf(1000, ""), 0, Rejected),
            case("a negative number", protobuf(-3, ""), 10, Rejected),
            case(
                "a warning",
                protobuf(0, "use the new endpoint"),
                10,
                Rejected,
            ),
            case(
                "JSON string",
                json(r#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"too old"}}"#),
                7,
                Rejected,
            ),
            case(
                "JSON number",
                json(r#"{"partialSuccess":{"rejectedSpans":3}}"#),
                7,
                Rejected,
            ),
            case(
                "JSON negative",
                json(r#"{"partialSuccess":{"rejectedSpans":"-3"}}"#),
                10,
                Rejected,
            ),
            case(
                "JSON with the original names",
                json(r#"{"partial_success":{"rejected_spans":3}}"#),
                7,
                Rejected,
            ),
            case(
                "JSON warning",
                json(r#"{"partialSuccess":{"errorMessage":"use the new endpoint"}}"#),
                10,
                Rejected,
            ),
        ]
    };
    check("http/protobuf", cases()).await;
}

/// The rest of the response might be the number of rejected spans.
#[tokio::test]
async fn a_response_that_never_ends_is_limited_by_the_export_timeout() {
    let server = RawServer::start(endless(PROTOBUF, Duration::from_millis(20))).await;
    let vars = [
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "200"),
        ("OTEL_BSP_SCHEDULE_DELAY", "10"),
    ];
    let pipeline = start(&server.url, &vars);
    create_spans(&pipeline, 10);
    let deadline = tokio::time::Instant::now() + TIMEOUT;
    while server.requests() < 2 {
        assert!(
            tokio::time::Instant::now() < deadline,
            "waited {TIMEOUT:?} for a second attempt"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let counts = pipeline.shutdown(Duration::from_millis(500)).await;
    assert_exact(&counts, SPANS);
    assert_eq!(counts.exported, 0, "no response was complete: {counts}");
}
