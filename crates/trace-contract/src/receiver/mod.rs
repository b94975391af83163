//! An OTLP receiver that stores spans in memory, for tests and demos. One port accepts
//! OTLP/HTTP (`POST /v1/traces`, in protobuf or JSON) and OTLP/gRPC, plain or compressed
//! with gzip.

mod grpc;
mod response;

use std::borrow::Cow;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::task::{JoinHandle, JoinSet};

use crate::model::Span;
use crate::otlp::{self, OtlpError};
use crate::store::Store;
use response::{Body, Encoding, Rejection};

/// The maximum size of a body, before and after decompression.
const BODY_LIMIT: u64 = 64 * 1024 * 1024;

/// The delay after a connection could not be accepted.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(10);

/// How a receiver responds to export requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Behaviour {
    /// Stores the spans and responds 200.
    #[default]
    Accept,
    /// Stores nothing and responds with a status, like an overloaded Collector.
    Reject {
        /// The status, such as 503.
        status: u16,
        /// The `Retry-After` header, in seconds.
        retry_after: Option<Duration>,
    },
    /// Stores the spans immediately and responds 200 after this time, like a slow
    /// Collector. An exporter with a shorter timeout sends the spans again.
    Delay(Duration),
    /// Reads the request, stores nothing and never responds.
    Silent,
}

/// A running receiver. Dropping it closes its listener and its connections.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    state: Arc<State>,
    serving: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct State {
    store: Store,
    behaviour: RwLock<Behaviour>,
}

impl Receiver {
    /// Listens on `address`; port 0 selects a free port.
    ///
    /// # Errors
    /// When binding to the address fails.
    pub async fn bind(address: impl ToSocketAddrs) -> std::io::Result<Self> {
        Self::serve(TcpListener::bind(address).await?)
    }

    /// Serves a bound listener.
    ///
    /// # Errors
    /// When the address of the listener is unknown.
    pub fn serve(listener: TcpListener) -> std::io::Result<Self> {
        let state = Arc::new(State::default());
        Ok(Self {
            address: listener.local_addr()?,
            serving: tokio::spawn(accept(listener, Arc::clone(&state))),
            state,
        })
    }

    /// The address of the listener.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The value for `OTEL_EXPORTER_OTLP_ENDPOINT`, such as `http://127.0.0.1:4318`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The received spans. The store outlives the receiver.
    pub fn store(&self) -> Store {
        self.state.store.clone()
    }

    /// Changes the behaviour for new requests. Requests that are waiting for a response
    /// keep the previous behaviour.
    pub fn set_behaviour(&self, behaviour: Behaviour) {
        *self
            .state
            .behaviour
            .write()
            .unwrap_or_else(PoisonError::into_inner) = behaviour;
    }

    /// Stops listening, closes all connections, and returns after that.
    pub async fn stop(mut self) {
        self.serving.abort();
        // The result is an error, because the task was aborted.
        let _ = (&mut self.serving).await;
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl State {
    fn behaviour(&self) -> Behaviour {
        *self
            .behaviour
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Accepts connections until the task is aborted, which also closes the connections.
async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve_connection(stream, Arc::clone(&state)));
                }
                // For example, too many open files. The next attempt may succeed.
                Err(_) => tokio::time::sleep(ACCEPT_RETRY_DELAY).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve_connection(stream: TcpStream, state: Arc<State>) {
    let service = service_fn(move |request| {
        let state = Arc::clone(&state);
        async move { Ok::<_, Infallible>(handle(request, &state).await) }
    });
    // A broken connection is not an error of the receiver: the client retries.
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new());
    server.http2().timer(TokioTimer::new());
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

async fn handle(request: Request<Incoming>, state: &State) -> Response<Body> {
    let protocol = Protocol::of(request.headers());
    let (parts, body) = request.into_parts();
    if let Err(rejection) = protocol.check_target(&parts.method, parts.uri.path()) {
        return protocol.rejected(rejection);
    }
    let limit = usize::try_from(BODY_LIMIT).unwrap_or(usize::MAX);
    let body = match Limited::new(body, limit).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return protocol.rejected(unreadable(error.as_ref())),
    };
    let delay = match state.behaviour() {
        Behaviour::Accept => Duration::ZERO,
        Behaviour::Delay(delay) => delay,
        Behaviour::Silent => std::future::pending().await,
        Behaviour::Reject {
            status,
            retry_after,
        } => return protocol.configured(status, retry_after),
    };
    let spans = match protocol.read_spans(&parts.headers, &body, state.store.only_counts()) {
        Ok(spans) => spans,
        Err(rejection) => return protocol.rejected(rejection),
    };
    state.store.add(spans);
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    protocol.accepted()
}

/// The protocol of a request.
#[derive(Clone, Copy)]
enum Protocol {
    Http(Encoding),
    Grpc,
}

impl Protocol {
    fn of(headers: &HeaderMap) -> Self {
        if grpc::is_call(headers) {
            Self::Grpc
        } else {
            Self::Http(Encoding::of(headers))
        }
    }

    fn check_target(self, method: &Method, path: &str) -> Result<(), Rejection> {
        match self {
            Self::Http(_) => check_target(method, path),
            Self::Grpc if path == grpc::PATH => Ok(()),
            Self::Grpc => Err(Rejection::new(
                StatusCode::NOT_FOUND,
                format!("unknown method {path}: export traces with {}", grpc::PATH),
            )),
        }
    }

    fn read_spans(
        self,
        headers: &HeaderMap,
        body: &[u8],
        only_ids: bool,
    ) -> Result<Vec<Span>, Rejection> {
        match self {
            Self::Http(encoding) => {
                let compression = header(headers, CONTENT_ENCODING.as_str());
                let body = decompress(body, compression)?;
                read_spans(headers, &body, encoding, only_ids)
            }
            Self::Grpc => {
                let (message, is_compressed) = grpc::message(body)?;
                let compression = if is_compressed {
                    header(headers, grpc::ENCODING)
                } else {
                    ""
                };
                let message = decompress(message, compression)?;
                read_spans(headers, &message, Encoding::Protobuf, only_ids)
            }
        }
    }

    fn accepted(self) -> Response<Body> {
        match self {
            Self::Http(encoding) => response::accepted(encoding),
            Self::Grpc => grpc::accepted(),
        }
    }

    fn rejected(self, rejection: Rejection) -> Response<Body> {
        match self {
            Self::Http(encoding) => rejection.response(encoding),
            Self::Grpc => grpc::rejected(&rejection, None),
        }
    }

    fn configured(self, status: u16, retry_after: Option<Duration>) -> Response<Body> {
        match self {
            Self::Http(encoding) => response::configured(status, retry_after, encoding),
            Self::Grpc => grpc::rejected(&response::configured_rejection(status), retry_after),
        }
    }
}

fn check_target(method: &Method, path: &str) -> Result<(), Rejection> {
    if path.trim_end_matches('/') != "/v1/traces" {
        return Err(Rejection::new(
            StatusCode::NOT_FOUND,
            format!("unknown path {path}: send traces to POST /v1/traces"),
        ));
    }
    if method != Method::POST {
        return Err(Rejection::new(
            StatusCode::METHOD_NOT_ALLOWED,
            format!("method {method} not allowed: send traces with POST"),
        ));
    }
    Ok(())
}

fn unreadable(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Rejection {
    if error.is::<LengthLimitError>() {
        return too_large();
    }
    Rejection::new(
        StatusCode::BAD_REQUEST,
        format!("the body could not be read: {error}"),
    )
}

fn too_large() -> Rejection {
    Rejection::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("the body is larger than {BODY_LIMIT} bytes: send smaller batches"),
    )
}

fn decompress<'a>(body: &'a [u8], compression: &str) -> Result<Cow<'a, [u8]>, Rejection> {
    match compression {
        "" | "identity" => Ok(Cow::Borrowed(body)),
        "gzip" => match otlp::gunzip(body, BODY_LIMIT) {
            Ok(decompressed) => Ok(Cow::Owned(decompressed)),
            Err(error) => Err(reject(&error)),
        },
        other => Err(Rejection::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("content-encoding {other:?} is not supported: send gzip or no encoding"),
        )),
    }
}

fn read_spans(
    headers: &HeaderMap,
    body: &[u8],
    encoding: Encoding,
    only_ids: bool,
) -> Result<Vec<Span>, Rejection> {
    let spans = match encoding {
        Encoding::Protobuf if only_ids => otlp::ids_from_protobuf(body),
        Encoding::Protobuf => otlp::from_protobuf(body),
        Encoding::Json => otlp::from_json(body),
        Encoding::Unknown => {
            let found = header(headers, CONTENT_TYPE.as_str());
            let message = format!(
                "content-type {found:?} is not OTLP: send application/x-protobuf, \
                 application/json or application/grpc"
            );
            return Err(Rejection::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
        }
    };
    spans.map_err(|error| reject(&error))
}

fn reject(error: &OtlpError) -> Rejection {
    match error {
        OtlpError::TooLarge(_) => too_large(),
        _ => Rejection::new(StatusCode::BAD_REQUEST, error.to_string()),
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("")
}
