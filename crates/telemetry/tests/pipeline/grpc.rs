//! OTLP over gRPC: which responses count as an export, and which are retried.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message;
use telemetry::SpanCounts;
use telemetry::pipeline::DropReason::{self, NotOtlp, Rejected};
use tokio::net::TcpListener;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::fixture::{TIMEOUT, assert_exact, create_spans, spans, start};

const SPANS: u64 = 10;
const VARS: [(&str, &str); 2] = [
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
    ("OTEL_BSP_SCHEDULE_DELAY", "10"),
];

/// A response without its content type: headers, frames of data, and trailers.
#[derive(Clone, Default)]
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    data: Vec<Bytes>,
    trailers: Option<HeaderMap>,
}

impl Reply {
    /// A message, and status 0 in the trailers.
    fn message(message: &[u8]) -> Self {
        Self::framed(0, message.len(), message)
    }

    fn framed(compressed: u8, length: usize, data: &[u8]) -> Self {
        let length = u32::try_from(length)
            .expect("a test's length fits")
            .to_be_bytes();
        let framed = [&[compressed][..], &length, data].concat();
        let zero = HeaderValue::from_static("0");
        Self {
            headers: grpc(),
            data: vec![framed.into()],
            trailers: Some(
                [("grpc-status".parse().expect("a name"), zero)]
                    .into_iter()
                    .collect(),
            ),
            ..Self::default()
        }
    }

    /// A status without a message.
    fn status(status: Status) -> Self {
        Self {
            headers: status.into_http::<()>().headers().clone(),
            ..Self::default()
        }
    }

    /// A response that is not gRPC's.
    fn http(status: u16, content_type: &'static str) -> Self {
        let value = HeaderValue::from_static(content_type);
        Self {
            status: StatusCode::from_u16(status).expect("a valid status"),
            headers: [(http::header::CONTENT_TYPE, value)].into_iter().collect(),
            data: vec![Bytes::from_static(b"a page")],
            trailers: None,
        }
    }
}

fn grpc() -> HeaderMap {
    let value = HeaderValue::from_static("application/grpc");
    [(http::header::CONTENT_TYPE, value)].into_iter().collect()
}

fn partial(rejected_spans: i64) -> Vec<u8> {
    ExportTraceServiceResponse {
        partial_success: Some(ExportTracePartialSuccess {
            rejected_spans,
            error_message: "too old".to_owned(),
        }),
    }
    .encode_to_vec()
}

/// A server that sends these replies in turn, and then repeats the last one.
struct Server {
    url: String,
    received: Arc<Mutex<Vec<(http::request::Parts, Bytes)>>>,
}

impl Server {
    async fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it has one"));
        let received = Arc::<Mutex<_>>::default();
        let (store, number, replies) = (
            Arc::clone(&received),
            Arc::new(AtomicUsize::new(0)),
            Arc::new(replies),
        );
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let (store, number, replies) = (store.clone(), number.clone(), replies.clone());
                let service = service_fn(move |request: Request<Incoming>| {
                    let number = number.fetch_add(1, Ordering::Relaxed);
                    let reply = replies[number.min(replies.len() - 1)].clone();
                    respond(request, reply, store.clone())
                });
                tokio::spawn(async move {
                    let builder = Builder::new(TokioExecutor::new()).http2_only();
                    builder
                        .serve_connection(TokioIo::new(connection), service)
                        .await
                });
            }
        });
        Self { url, received }
    }

    fn requests(&self) -> usize {
        self.received.lock().expect("no test panics here").len()
    }
}

type Frames = StreamBody<stream::Iter<std::vec::IntoIter<Result<Frame<Bytes>, Infallible>>>>;

async fn respond(
    request: Request<Incoming>,
    reply: Reply,
    store: Arc<Mutex<Vec<(http::request::Parts, Bytes)>>>,
) -> Result<Response<Frames>, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    store
        .lock()
        .expect("no test panics here")
        .push((head, body));
    let frames = reply.data.into_iter().map(Frame::data);
    let frames: Vec<_> = frames
        .chain(reply.trailers.map(Frame::trailers))
        .map(Ok)
        .collect();
    let mut response = Response::new(StreamBody::new(stream::iter(frames)));
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    Ok(response)
}

/// Exports one batch to a server with these replies; returns the counts and the number of
/// requests.
async fn export(replies: Vec<Reply>) -> (SpanCounts, usize) {
    let server = Server::start(replies).await;
    let pipeline = start(&server.url, &VARS);
    create_spans(&pipeline, 10);
    let started_at = Instant::now();
    while pipeline.accounting().snapshot().queued > 0 {
        assert!(
            started_at.elapsed() < TIMEOUT,
            "waited {TIMEOUT:?} for the export"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let counts = pipeline.shutdown(TIMEOUT).await;
    assert_exact(&counts, SPANS);
    (counts, server.requests())
}

#[tokio::test]
async fn a_request_follows_the_specification_of_otlp_over_grpc() {
    let server = Server::start(vec![Reply::message(b"")]).await;
    let vars = [
        VARS[0],
        VARS[1],
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=blue%20team"),
    ];
    // The path is not part of a gRPC endpoint.
    let pipeline = start(&format!("{}/v1/traces", server.url), &vars);
    create_spans(&pipeline, 10);
    assert_eq!(pipeline.shutdown(TIMEOUT).await.exported, SPANS);
    let mut received = server.received.lock().expect("no test panics here").clone();
    let (head, body) = received.pop().expect("one request");
    assert_eq!(
        head.uri.path(),
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
    );
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    assert_eq!(header("content-type"), Some("application/grpc"));
    assert_eq!(header("te"), Some("trailers"));
    assert_eq!(header("x-tenant"), Some("blue team"));
    assert!(
        header("user-agent").is_some_and(|it| it.starts_with("OTel-OTLP-Exporter-Rust/")),
        "{:?}",
        head.headers
    );
    assert_eq!(
        header("traceparent"),
        None,
        "an export does not belong to a trace"
    );
    assert_eq!(spans(&body[5..]).len(), 10);
}

#[tokio::test]
async fn a_grpc_response_counts_as_exported_only_if_it_is_otlp() {
    let bomb = gzip(&vec![0; 10_000_000]);
    let mut compressed = Reply::framed(1, gzip(&partial(4)).len(), &gzip(&partial(4)));
    let encoding = HeaderValue::from_static("gzip");
    compressed.headers.insert("grpc-encoding", encoding.clone());
    let mut compressed_bomb = Reply::framed(1, bomb.len(), &bomb);
    compressed_bomb.headers.insert("grpc-encoding", encoding);
    let mut endless = Reply::framed(0, 1000, b"");
    endless.data.extend(vec![Bytes::from(vec![0; 1000]); 1000]);
    let cases: Vec<(&str, Reply, u64, DropReason)> = vec![
        ("an empty message", Reply::message(b""), 10, NotOtlp),
        (
            "a partial success",
            Reply::message(&partial(3)),
            7,
            Rejected,
        ),
        (
            "more than the batch",
            Reply::message(&partial(1000)),
            0,
            Rejected,
        ),
        (
            "a negative number",
            Reply::message(&partial(-3)),
            10,
            Rejected,
        ),
        ("a compressed message", compressed, 6, Rejected),
        ("garbage", Reply::message(b"garbage"), 0, NotOtlp),
        ("a page", Reply::http(200, "text/html"), 0, NotOtlp),
        ("a page, 404", Reply::http(404, "text/html"), 0, Rejected),
        ("100 kB", Reply::message(&[0x0a; 100_000]), 0, NotOtlp),
        (
            "an announced gigabyte",
            Reply::framed(0, 1 << 30, b"x"),
            0,
            NotOtlp,
        ),
        ("10 MB after decompression", compressed_bomb, 0, NotOtlp),
        ("more than one message", endless, 0, NotOtlp),
    ];
    for (name, reply, exported, reason) in cases {
        let (counts, requests) = export(vec![reply]).await;
        assert_eq!(
            (counts.exported, counts.dropped_by(reason)),
            (exported, SPANS - exported),
            "{name}: {exported} spans must be exported, the others dropped as {reason:?}: {counts}"
        );
        assert_eq!(requests, 1, "{name}: no response may be retried");
    }
}

#[tokio::test]
async fn a_grpc_status_is_retried_exactly_if_otlp_defines_it_as_retryable() {
    for code in (1..=16).map(Code::from_i32) {
        let retryable = matches!(
            code,
            Code::Cancelled
                | Code::DeadlineExceeded
                | Code::Aborted
                | Code::OutOfRange
                | Code::Unavailable
                | Code::DataLoss
        );
        let status = Reply::status(Status::new(code, "x"));
        let (counts, requests) = export(vec![status, Reply::message(b"")]).await;
        let expected = if retryable { (10, 2) } else { (0, 1) };
        assert_eq!((counts.exported, requests), expected, "{code:?}: {counts}");
    }
    for status in [429, 502, 503, 504] {
        let reply = Reply::http(status, "text/plain");
        let (counts, requests) = export(vec![reply, Reply::message(b"")]).await;
        assert_eq!((counts.exported, requests), (10, 2), "{status}: {counts}");
    }
}

#[tokio::test]
async fn the_delay_of_retry_info_is_respected() {
    for code in [Code::Unavailable, Code::ResourceExhausted] {
        let details = ErrorDetails::with_retry_info(Some(Duration::from_secs(1)));
        let status = Status::with_error_details(code, "x", details);
        let started_at = Instant::now();
        let (counts, requests) = export(vec![Reply::status(status), Reply::message(b"")]).await;
        assert_eq!((counts.exported, requests), (10, 2), "{code:?}: {counts}");
        assert!(
            started_at.elapsed() >= Duration::from_secs(1),
            "{code:?}: the exporter must wait for the delay of RetryInfo"
        );
    }
}

fn gzip(body: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let level = flate2::Compression::fast();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
    encoder.write_all(body).expect("a Vec accepts all bytes");
    encoder.finish().expect("a Vec accepts all bytes")
}
