//! An OTLP/HTTP receiver that keeps what it gets: a Collector and a store in
//! one, for a test or a demo. `POST /v1/traces`, protobuf or JSON, plain or gzip.

mod answer;

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

use crate::otlp::{self, OtlpError};
use crate::store::Store;
use answer::{Encoding, Refusal};

/// The largest body that is read, packed or unpacked.
const BODY_LIMIT: u64 = 64 * 1024 * 1024;

/// How long nothing is accepted after that failed.
const ACCEPT_AGAIN: Duration = Duration::from_millis(10);

/// How a receiver treats the export requests that come from now on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Behaviour {
    /// Takes the spans and answers 200.
    #[default]
    Accept,
    /// Takes nothing and answers with a status, as a Collector in trouble does.
    Answer {
        /// The status, such as 503.
        status: u16,
        /// `Retry-After`, in whole seconds.
        retry_after: Option<Duration>,
    },
    /// Takes the spans at once and answers 200 after a while, as a Collector
    /// does that is slow: who does not wait for it sends them twice.
    Delay(Duration),
    /// Reads each request, takes nothing and never answers.
    Silent,
}

/// A running receiver. It ends, with its connections, when it is dropped.
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
    /// Listens on `address`; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn bind(address: impl ToSocketAddrs) -> std::io::Result<Self> {
        Self::serve(TcpListener::bind(address).await?)
    }

    /// Serves a listener that is bound already.
    ///
    /// # Errors
    /// When the listener's address cannot be told.
    pub fn serve(listener: TcpListener) -> std::io::Result<Self> {
        let state = Arc::new(State::default());
        Ok(Self {
            address: listener.local_addr()?,
            serving: tokio::spawn(accept(listener, Arc::clone(&state))),
            state,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The value for `OTEL_EXPORTER_OTLP_ENDPOINT`, such as `http://127.0.0.1:4318`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What arrived. The store outlives the receiver.
    pub fn store(&self) -> Store {
        self.state.store.clone()
    }

    /// Changes how requests are treated, from the next one on. Those that are
    /// being delayed or kept waiting stay so.
    pub fn behave(&self, behaviour: Behaviour) {
        *self
            .state
            .behaviour
            .write()
            .unwrap_or_else(PoisonError::into_inner) = behaviour;
    }

    /// Stops listening and closes all connections, and returns when that is done.
    pub async fn stop(mut self) {
        self.serving.abort();
        // It was cancelled: that is what is waited for.
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

/// Serves until it is aborted; the connections belong to it and end with it.
async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve_connection(stream, Arc::clone(&state)));
                }
                // Out of file descriptors, or a peer that has gone: the next may work.
                Err(_) => tokio::time::sleep(ACCEPT_AGAIN).await,
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
    // A connection that breaks is its client's to notice: the client tries again.
    let _ = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn handle(request: Request<Incoming>, state: &State) -> Response<Full<Bytes>> {
    let encoding = Encoding::of(request.headers());
    let (parts, body) = request.into_parts();
    if let Err(refusal) = check_target(&parts.method, parts.uri.path()) {
        return refusal.response(encoding);
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
        Behaviour::Answer {
            status,
            retry_after,
        } => return answer::told(status, retry_after, encoding),
    };
    let spans = match read_spans(&parts.headers, &body, state.store.only_counts()) {
        Ok(spans) => spans,
        Err(refusal) => return refusal.response(encoding),
    };
    state.store.add(spans);
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    answer::accepted(encoding)
}

fn check_target(method: &Method, path: &str) -> Result<(), Refusal> {
    if path.trim_end_matches('/') != "/v1/traces" {
        return Err(Refusal::new(
            StatusCode::NOT_FOUND,
            format!("no {path} here: traces are taken at POST /v1/traces"),
        ));
    }
    if method != Method::POST {
        return Err(Refusal::new(
            StatusCode::METHOD_NOT_ALLOWED,
            format!("{method} is not how traces are sent: use POST"),
        ));
    }
    Ok(())
}

fn unreadable(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Refusal {
    if error.is::<LengthLimitError>() {
        return too_large();
    }
    Refusal::new(
        StatusCode::BAD_REQUEST,
        format!("the body could not be read: {error}"),
    )
}

fn too_large() -> Refusal {
    Refusal::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("the body is larger than {BODY_LIMIT} bytes: send smaller batches"),
    )
}

fn read_spans(
    headers: &HeaderMap,
    body: &[u8],
    only_ids: bool,
) -> Result<Vec<crate::Span>, Refusal> {
    let unpacked;
    let body = match header(headers, CONTENT_ENCODING) {
        "" | "identity" => body,
        "gzip" => {
            unpacked = otlp::gunzip(body, BODY_LIMIT).map_err(|error| refuse(&error))?;
            &unpacked
        }
        other => {
            return Err(Refusal::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                format!("content-encoding {other:?} is not known here: send gzip, or none"),
            ));
        }
    };
    let spans = match Encoding::of(headers) {
        Encoding::Protobuf if only_ids => otlp::ids_from_protobuf(body),
        Encoding::Protobuf => otlp::from_protobuf(body),
        Encoding::Json => otlp::from_json(body),
        Encoding::Unknown => {
            return Err(Refusal::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                format!(
                    "content-type {:?} is not OTLP/HTTP: send application/x-protobuf or application/json",
                    header(headers, CONTENT_TYPE)
                ),
            ));
        }
    };
    spans.map_err(|error| refuse(&error))
}

fn refuse(error: &OtlpError) -> Refusal {
    match error {
        OtlpError::TooLarge(_) => too_large(),
        _ => Refusal::new(StatusCode::BAD_REQUEST, error.to_string()),
    }
}

fn header(headers: &HeaderMap, name: http::HeaderName) -> &str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("")
}
