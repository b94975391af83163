//! The receiver's OTLP/gRPC, with a plain HTTP/2 client.

use std::io::Write;

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use trace_contract::{Behaviour, Receiver};

const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const FIXTURE: &[u8] = include_bytes!("data/formats/otlp.binpb");

/// The message in a frame.
fn frame(message: &[u8], flag: u8) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("a small message");
    [&[flag][..], &length.to_be_bytes(), message].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder
        .write_all(bytes)
        .expect("writing to memory succeeds");
    encoder.finish().expect("writing to memory succeeds")
}

/// The headers, the body and the trailers of the response.
async fn call(
    receiver: &Receiver,
    path: &str,
    encoding: &str,
    body: Vec<u8>,
) -> (HeaderMap, Bytes, HeaderMap) {
    let stream = TcpStream::connect(receiver.address())
        .await
        .expect("a connection");
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .expect("HTTP/2 without TLS");
    tokio::spawn(connection);
    let request = Request::post(format!("{}{path}", receiver.endpoint()))
        .header("content-type", "application/grpc+proto")
        .header("te", "trailers")
        .header("grpc-encoding", encoding)
        .body(Full::new(Bytes::from(body)))
        .expect("a request");
    let response = client.send_request(request).await.expect("a response");
    assert_eq!(response.status(), 200, "gRPC has its own status");
    assert_eq!(response.headers()["content-type"], "application/grpc");
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("a body");
    let trailers = body.trailers().cloned().unwrap_or_default();
    (parts.headers, body.to_bytes(), trailers)
}

async fn receiver() -> Receiver {
    Receiver::bind("127.0.0.1:0").await.expect("a free port")
}

#[tokio::test]
async fn grpc_exports_are_accepted_plain_and_in_gzip() {
    let receiver = receiver().await;
    for (encoding, body) in [
        ("identity", frame(FIXTURE, 0)),
        ("gzip", frame(FIXTURE, 0)),
        ("gzip", frame(&gzip(FIXTURE), 1)),
    ] {
        receiver.store().clear();
        let (_, body, trailers) = call(&receiver, EXPORT, encoding, body).await;
        assert_eq!(trailers["grpc-status"], "0", "{encoding}");
        assert_eq!(body, [0; 5][..], "an empty response message");
        assert_eq!(receiver.store().span_count(), 5, "{encoding}");
    }
}

#[tokio::test]
async fn the_same_port_accepts_http() {
    let receiver = receiver().await;
    call(&receiver, EXPORT, "identity", frame(FIXTURE, 0)).await;
    let export = trace_contract::http_client::builder()
        .no_proxy()
        .build()
        .expect("a client")
        .post(format!("{}/v1/traces", receiver.endpoint()))
        .header("content-type", "application/json")
        .body(include_str!("data/formats/otlp.json"));
    let response = export.send().await.expect("a response");
    assert_eq!(response.status(), 200);
    let store = receiver.store();
    assert_eq!((store.span_count(), store.duplicates()), (5, 5));
    let trace = store.trace(store.trace_ids()[0]).expect("a trace");
    assert_eq!(trace.conflicts(), [], "both protocols carry the same spans");
}

#[tokio::test]
async fn an_invalid_grpc_call_gets_a_grpc_status() {
    let receiver = receiver().await;
    let wrong_length = [&[0, 0, 0, 0, 9][..], FIXTURE].concat();
    let table = [
        ("/other.Service/Export", "identity", frame(FIXTURE, 0), "12"),
        (EXPORT, "identity", Vec::new(), "3"),
        (EXPORT, "identity", wrong_length, "3"),
        (EXPORT, "identity", frame(FIXTURE, 2), "3"),
        (EXPORT, "identity", frame(b"no protobuf", 0), "3"),
        (EXPORT, "gzip", frame(b"not gzip", 1), "3"),
        (EXPORT, "snappy", frame(FIXTURE, 1), "12"),
    ];
    for (path, encoding, body, status) in table {
        let (headers, ..) = call(&receiver, path, encoding, body.clone()).await;
        assert_eq!(headers["grpc-status"], status, "{path} {encoding} {body:?}");
        assert!(!headers["grpc-message"].is_empty());
    }
    assert_eq!(receiver.store().span_count(), 0);
}

#[tokio::test]
async fn a_rejecting_receiver_is_unavailable_in_grpc() {
    let receiver = receiver().await;
    receiver.set_behaviour(Behaviour::Reject {
        status: 503,
        retry_after: None,
    });
    let (headers, ..) = call(&receiver, EXPORT, "identity", frame(FIXTURE, 0)).await;
    assert_eq!(headers["grpc-status"], "14");
    assert_eq!(receiver.store().span_count(), 0);
}
