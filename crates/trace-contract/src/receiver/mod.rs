//! An OTLP/HTTP receiver that stores spans in memory, for tests and demos:
//! `POST /v1/traces`, in protobuf or JSON, plain or compressed with gzip.

mod response;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::task::{JoinHandle, JoinSet};

use crate::model::Span;
use crate::otlp::{self, OtlpError};
use crate::store::Store;
use response::{Encoding, Rejection};

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
    let _ = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn handle(request: Request<Incoming>, state: &State) -> Response<Full<Bytes>> {
    let encoding = Encoding::of(request.headers());
    let (parts, body) = request.into_parts();
    if let Err(rejection) = check_target(&parts.method, parts.uri.path()) {
        return rejection.response(encoding);
    }
    let limit = usize::try_from(BODY_LIMIT).unwrap_or(usize::MAX);
    let body = match Limited::new(body, limit).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return unreadable(error.as_ref()).response(encoding),
    };
    let delay = match state.behaviour() {
        Behaviour::Accept => Duration::ZERO,
        Behaviour::Delay(delay) => delay,
        Behaviour::Silent => std::future::pending().await,
        Behaviour::Reject {
            status,
            retry_after,
        } => return response::configured(status, retry_after, encoding),
    };
    let spans = match read_spans(&parts.headers, &body, state.store.only_counts()) {
        Ok(spans) => spans,
        Err(rejection) => return rejection.response(encoding),
    };
    state.store.add(spans);
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    response::accepted(encoding)
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

fn read_spans(headers: &HeaderMap, body: &[u8], only_ids: bool) -> Result<Vec<Span>, Rejection> {
    let decompressed;
    let body = match header(headers, CONTENT_ENCODING) {
        "" | "identity" => body,
        "gzip" => {
            decompressed = otlp::gunzip(body, BODY_LIMIT).map_err(|error| reject(&error))?;
            &decompressed
        }
        other => {
            return Err(Rejection::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                format!("content-encoding {other:?} is not supported: send gzip or no encoding"),
            ));
        }
    };
    let spans = match Encoding::of(headers) {
        Encoding::Protobuf if only_ids => otlp::ids_from_protobuf(body),
        Encoding::Protobuf => otlp::from_protobuf(body),
        Encoding::Json => otlp::from_json(body),
        Encoding::Unknown => {
            return Err(Rejection::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                format!(
                    "content-type {:?} is not OTLP/HTTP: send application/x-protobuf or application/json",
                    header(headers, CONTENT_TYPE)
                ),
            ));
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

fn header(headers: &HeaderMap, name: http::HeaderName) -> &str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("")
}
