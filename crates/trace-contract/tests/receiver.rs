//! The OTLP/HTTP receiver, over the network.

use std::io::Write;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use trace_contract::{Behaviour, Receiver, SpanKind, TraceId, Value, http_client};

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";
const TIMEOUT: Duration = Duration::from_secs(10);

fn trace_id() -> TraceId {
    TraceId::from_bytes([7; 16]).expect("not zero")
}

/// An export of `count` spans of the trace 0707….
fn export(count: u8) -> Vec<u8> {
    let attribute = |key: &str, value| KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    };
    let service = any_value::Value::StringValue("shop".to_owned());
    let spans = (1..=count).map(|number| Span {
        trace_id: vec![7; 16],
        span_id: vec![number; 8],
        name: "GET /".to_owned(),
        kind: 2,
        start_time_unix_nano: 1,
        end_time_unix_nano: 2,
        attributes: vec![attribute("code", any_value::Value::IntValue(200))],
        ..Span::default()
    });
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: vec![attribute("service.name", service)],
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                spans: spans.collect(),
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
    .encode_to_vec()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder
        .write_all(bytes)
        .expect("writing to memory succeeds");
    encoder.finish().expect("writing to memory succeeds")
}

async fn receiver() -> Receiver {
    Receiver::bind("127.0.0.1:0").await.expect("a free port")
}

fn client() -> Client {
    let client = http_client::builder().no_proxy().build();
    client.expect("a client can be created")
}

fn post(receiver: &Receiver, content_type: &str) -> RequestBuilder {
    client()
        .post(format!("{}/v1/traces", receiver.endpoint()))
        .header("content-type", content_type)
        .timeout(TIMEOUT)
}

async fn send(request: RequestBuilder) -> Response {
    request.send().await.expect("a response")
}

#[tokio::test]
async fn protobuf_is_accepted_plain_and_in_gzip() {
    let receiver = receiver().await;
    let plain = send(post(&receiver, PROTOBUF).body(export(2))).await;
    assert_eq!(plain.status(), StatusCode::OK);
    assert_eq!(plain.headers()["content-type"], PROTOBUF);
    let compressed = post(&receiver, PROTOBUF).header("content-encoding", "gzip");
    let compressed = send(compressed.body(gzip(&export(3)))).await;
    assert_eq!(compressed.status(), StatusCode::OK);

    let store = receiver.store();
    assert_eq!(store.span_count(), 3, "distinct spans are counted");
    assert_eq!(store.duplicates(), 2, "two spans were received twice");
    assert_eq!(store.requests(), 2);
    assert_eq!(store.trace_ids(), [trace_id()]);
    assert_eq!(store.spans_by_service()["shop"], 3);
    let trace = store.trace(trace_id()).expect("the trace arrived");
    assert_eq!(trace.spans().len(), 3);
    let span = &trace.spans()[0];
    assert_eq!((span.service(), span.kind), ("shop", SpanKind::Server));
    assert_eq!(span.attributes["code"], Value::Int(200));
    store.clear();
    assert_eq!((store.span_count(), store.trace(trace_id())), (0, None));
}

#[tokio::test]
async fn json_is_accepted_with_a_response_in_json() {
    let receiver = receiver().await;
    let body = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name",
        "value":{"stringValue":"shop"}}]},"scopeSpans":[{"spans":[{
        "traceId":"07070707070707070707070707070707","spanId":"0101010101010101",
        "name":"GET /","kind":2,"startTimeUnixNano":"1","endTimeUnixNano":2,
        "attributes":[{"key":"code","value":{"intValue":"200"}}]}]}]}]}"#;
    let response = send(post(&receiver, "application/json; charset=utf-8").body(body)).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], JSON);
    assert_eq!(response.text().await.expect("a body"), "{}");
    let trace = receiver
        .store()
        .trace(trace_id())
        .expect("the trace arrived");
    assert_eq!(trace.spans()[0].attributes["code"], Value::Int(200));
}

#[tokio::test]
async fn other_content_is_rejected_with_the_reason() {
    let receiver = receiver().await;
    let bad = send(post(&receiver, JSON).body("{\"resourceSpans\": 1}")).await;
    assert_eq!(bad.status(), StatusCode::BAD_REQUEST);
    let reason = bad.text().await.expect("a body");
    assert!(reason.contains("not OTLP trace data in JSON"), "{reason}");

    let bad = send(post(&receiver, PROTOBUF).body("no protobuf")).await;
    assert_eq!(bad.status(), StatusCode::BAD_REQUEST);
    let reason = bad.bytes().await.expect("a body");
    let reason = String::from_utf8_lossy(&reason);
    assert!(reason.contains("not an OTLP trace export"), "{reason}");

    let compressed = post(&receiver, PROTOBUF).header("content-encoding", "gzip");
    let bad = send(compressed.body("no gzip")).await;
    assert_eq!(bad.status(), StatusCode::BAD_REQUEST);

    let unknown = send(post(&receiver, "text/plain").body("hello")).await;
    assert_eq!(unknown.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let reason = unknown.text().await.expect("a body");
    assert!(reason.contains("send application/x-protobuf"), "{reason}");

    let compressed = post(&receiver, PROTOBUF).header("content-encoding", "zstd");
    let unknown = send(compressed.body(export(1))).await;
    assert_eq!(unknown.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(receiver.store().span_count(), 0, "no span was stored");
}

#[tokio::test]
async fn other_paths_and_methods_are_rejected_with_a_hint() {
    let receiver = receiver().await;
    let client = client();
    let elsewhere = client.post(receiver.endpoint()).body(export(1));
    let response = send(elsewhere).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    let reason = response.text().await.expect("a body");
    assert!(reason.contains("POST /v1/traces"), "{reason}");
    let get = client.get(format!("{}/v1/traces", receiver.endpoint()));
    let response = send(get).await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()["allow"], "POST");
}

#[tokio::test]
async fn a_receiver_that_rejects_or_never_responds_stores_nothing() {
    let receiver = receiver().await;
    receiver.set_behaviour(Behaviour::Reject {
        status: 503,
        retry_after: Some(Duration::from_secs(2)),
    });
    let response = send(post(&receiver, PROTOBUF).body(export(1))).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()["retry-after"], "2");

    receiver.set_behaviour(Behaviour::Silent);
    let silent = post(&receiver, PROTOBUF).timeout(Duration::from_millis(200));
    let error = silent
        .body(export(1))
        .send()
        .await
        .expect_err("no response");
    assert!(error.is_timeout(), "{error}");
    assert_eq!(receiver.store().span_count(), 0, "no span was stored");

    receiver.set_behaviour(Behaviour::Delay(Duration::from_millis(200)));
    let started_at = Instant::now();
    let response = send(post(&receiver, PROTOBUF).body(export(1))).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(started_at.elapsed() >= Duration::from_millis(200));
    assert_eq!(receiver.store().span_count(), 1);
}

#[tokio::test]
async fn a_wait_ends_when_spans_arrive_and_its_error_contains_counts() {
    let receiver = receiver().await;
    let store = receiver.store();
    let waiting = tokio::spawn({
        let store = store.clone();
        async move {
            let two = |store: &trace_contract::Store| store.span_count() == 2;
            store.wait_for("two spans", TIMEOUT, two).await
        }
    });
    for count in [1, 2] {
        send(post(&receiver, PROTOBUF).body(export(count))).await;
    }
    waiting.await.expect("no panic").expect("two spans arrive");

    let error = store
        .wait_for("a third span", Duration::from_millis(50), |store| {
            store.span_count() == 3
        })
        .await
        .expect_err("there are only two spans");
    assert_eq!(
        error.to_string(),
        "waited 50ms for a third span; last saw 2 spans in 1 kept traces, from 2 export requests"
    );
}

#[tokio::test]
async fn with_a_limit_of_zero_spans_are_only_counted() {
    let receiver = receiver().await;
    let store = receiver.store();
    store.keep(0);
    send(post(&receiver, PROTOBUF).body(export(2))).await;
    assert_eq!(store.trace(trace_id()), None, "no trace is kept");
    assert_eq!(store.span_count(), 2, "the count stays exact");
}

#[tokio::test]
async fn a_stopped_receiver_closes_its_listener_and_its_connections() {
    let receiver = receiver().await;
    let address = receiver.address();
    let mut open = TcpStream::connect(address)
        .await
        .expect("the receiver listens");
    open.write_all(b"POST /v1/traces HTTP/1.1\r\n")
        .await
        .expect("the connection is open");
    receiver.stop().await;
    let refused = TcpStream::connect(address).await;
    assert!(refused.is_err(), "a stopped receiver does not listen");
    let read = tokio::time::timeout(TIMEOUT, open.read(&mut [0; 1])).await;
    let read = read.expect("the connection is closed");
    assert!(matches!(read, Ok(0) | Err(_)), "there is no response");
}
