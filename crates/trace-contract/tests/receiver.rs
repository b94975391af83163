//! The OTLP/HTTP receiver, spoken to over the network.

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
use trace_contract::{Behaviour, Receiver, SpanKind, TraceId, Value};

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";
const LONG: Duration = Duration::from_secs(10);

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
    encoder.write_all(bytes).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}

async fn receiver() -> Receiver {
    Receiver::bind("127.0.0.1:0").await.expect("a free port")
}

fn post(receiver: &Receiver, content_type: &str) -> RequestBuilder {
    Client::new()
        .post(format!("{}/v1/traces", receiver.endpoint()))
        .header("content-type", content_type)
        .timeout(LONG)
}

async fn sent(request: RequestBuilder) -> Response {
    request.send().await.expect("the receiver answers")
}

#[tokio::test]
async fn protobuf_is_taken_plain_and_in_gzip() {
    let receiver = receiver().await;
    let plain = sent(post(&receiver, PROTOBUF).body(export(2))).await;
    assert_eq!(plain.status(), StatusCode::OK);
    assert_eq!(plain.headers()["content-type"], PROTOBUF);
    let packed = post(&receiver, PROTOBUF).header("content-encoding", "gzip");
    let packed = sent(packed.body(gzip(&export(3)))).await;
    assert_eq!(packed.status(), StatusCode::OK);

    let store = receiver.store();
    assert_eq!(store.span_count(), 3, "distinct spans are counted");
    assert_eq!(store.duplicates(), 2, "two of them came twice");
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
async fn json_is_taken_and_answered_in_json() {
    let receiver = receiver().await;
    let body = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name",
        "value":{"stringValue":"shop"}}]},"scopeSpans":[{"spans":[{
        "traceId":"07070707070707070707070707070707","spanId":"0101010101010101",
        "name":"GET /","kind":2,"startTimeUnixNano":"1","endTimeUnixNano":2,
        "attributes":[{"key":"code","value":{"intValue":"200"}}]}]}]}]}"#;
    let answer = sent(post(&receiver, "application/json; charset=utf-8").body(body)).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["content-type"], JSON);
    assert_eq!(answer.text().await.expect("a body"), "{}");
    let trace = receiver.store().trace(trace_id()).expect("it arrived");
    assert_eq!(trace.spans()[0].attributes["code"], Value::Int(200));
}

#[tokio::test]
async fn what_is_no_otlp_is_refused_with_the_reason() {
    let receiver = receiver().await;
    let bad = sent(post(&receiver, JSON).body("{\"resourceSpans\": 1}")).await;
    assert_eq!(bad.status(), StatusCode::BAD_REQUEST);
    let told = bad.text().await.expect("a body");
    assert!(told.contains("not OTLP trace data in JSON"), "{told}");

    let bad = sent(post(&receiver, PROTOBUF).body("no protobuf")).await;
    assert_eq!(bad.status(), StatusCode::BAD_REQUEST);
    let told = bad.bytes().await.expect("a body");
    let told = String::from_utf8_lossy(&told);
    assert!(told.contains("not an OTLP trace export"), "{told}");

    let packed = post(&receiver, PROTOBUF).header("content-encoding", "gzip");
    let bad = sent(packed.body("no gzip")).await;
    assert_eq!(bad.status(), StatusCode::BAD_REQUEST);

    let unknown = sent(post(&receiver, "text/plain").body("hello")).await;
    assert_eq!(unknown.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let told = unknown.text().await.expect("a body");
    assert!(told.contains("send application/x-protobuf"), "{told}");

    let packed = post(&receiver, PROTOBUF).header("content-encoding", "zstd");
    let unknown = sent(packed.body(export(1))).await;
    assert_eq!(unknown.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(receiver.store().span_count(), 0, "nothing was taken");
}

#[tokio::test]
async fn other_paths_and_methods_are_told_where_to_go() {
    let receiver = receiver().await;
    let client = Client::new();
    let elsewhere = client.post(receiver.endpoint()).body(export(1));
    let answer = sent(elsewhere).await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    let told = answer.text().await.expect("a body");
    assert!(told.contains("POST /v1/traces"), "{told}");
    let get = client.get(format!("{}/v1/traces", receiver.endpoint()));
    let answer = sent(get).await;
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.headers()["allow"], "POST");
}

#[tokio::test]
async fn a_receiver_in_trouble_takes_nothing() {
    let receiver = receiver().await;
    receiver.behave(Behaviour::Answer {
        status: 503,
        retry_after: Some(Duration::from_secs(2)),
    });
    let answer = sent(post(&receiver, PROTOBUF).body(export(1))).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers()["retry-after"], "2");

    receiver.behave(Behaviour::Silent);
    let silent = post(&receiver, PROTOBUF).timeout(Duration::from_millis(200));
    let error = silent.body(export(1)).send().await.expect_err("no answer");
    assert!(error.is_timeout(), "{error}");
    assert_eq!(receiver.store().span_count(), 0, "nothing was taken");

    receiver.behave(Behaviour::Delay(Duration::from_millis(200)));
    let began = Instant::now();
    let answer = sent(post(&receiver, PROTOBUF).body(export(1))).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(began.elapsed() >= Duration::from_millis(200));
    assert_eq!(receiver.store().span_count(), 1);
}

#[tokio::test]
async fn waiting_is_woken_by_an_arrival_and_says_what_it_saw() {
    let receiver = receiver().await;
    let store = receiver.store();
    let waiting = tokio::spawn({
        let store = store.clone();
        async move {
            let two = |store: &trace_contract::Store| store.span_count() == 2;
            store.wait_for("two spans", LONG, two).await
        }
    });
    for count in [1, 2] {
        sent(post(&receiver, PROTOBUF).body(export(count))).await;
    }
    waiting.await.expect("no panic").expect("two spans arrived");

    let error = store
        .wait_for("a third span", Duration::from_millis(50), |store| {
            store.span_count() == 3
        })
        .await
        .expect_err("there is no third");
    assert_eq!(
        error.to_string(),
        "waited 50ms for a third span; last saw 2 spans in 1 kept traces, from 2 export requests"
    );
}

#[tokio::test]
async fn only_the_newest_traces_are_kept_in_full() {
    let receiver = receiver().await;
    let store = receiver.store();
    store.keep(0);
    sent(post(&receiver, PROTOBUF).body(export(2))).await;
    assert_eq!(store.trace(trace_id()), None, "no trace is kept");
    assert_eq!(store.span_count(), 2, "the count stays exact");
}

#[tokio::test]
async fn a_stopped_receiver_refuses_and_closes_its_connections() {
    let receiver = receiver().await;
    let address = receiver.address();
    let mut held = TcpStream::connect(address).await.expect("it listens");
    held.write_all(b"POST /v1/traces HTTP/1.1\r\n")
        .await
        .expect("it reads");
    receiver.stop().await;
    let refused = TcpStream::connect(address).await;
    assert!(refused.is_err(), "a stopped receiver does not listen");
    let read = tokio::time::timeout(LONG, held.read(&mut [0; 1])).await;
    let read = read.expect("the connection is closed");
    assert!(matches!(read, Ok(0) | Err(_)), "nothing is answered");
}
