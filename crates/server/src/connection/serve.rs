//! One connection, from accept to close.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::ConnectInfo;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{interval, timeout};
use tower::ServiceExt;

use super::host;
use super::request_body::RequestBody;
use super::socket::Socket;
use crate::Config;
use crate::limits::{Activity, InFlight, RejectionReason, Rejections};
use crate::response::text_error;
use crate::shutdown::{Drain, Phase};

/// The maximum size of a request's head, in bytes. A larger one gets a 431.
const MAX_HEAD: usize = 32 * 1024;

/// A long round trip: how long a request may take that the client sent before it
/// could know that the connection closes.
const ROUND_TRIP: Duration = Duration::from_millis(250);

/// What all connections of a port share.
#[derive(Clone)]
pub(crate) struct Shared {
    /// The name of the port.
    pub(crate) port: &'static str,
    pub(crate) router: Router,
    pub(crate) config: Config,
    pub(crate) drain: Drain,
    pub(crate) rejections: Rejections,
}

/// Serves a connection until the client, a timeout or the drain closes it.
pub(super) async fn serve(stream: TcpStream, client: SocketAddr, shared: Shared) {
    // Responses are written in one piece: Nagle's algorithm would only delay them.
    // It fails only if the client has closed the connection.
    let _ = stream.set_nodelay(true);
    let activity = Activity::new(&shared.config, client);
    let half_close_timeout = shared.config.half_close_timeout;
    let mut socket = Socket::new(stream, Arc::clone(&activity), half_close_timeout);
    let reject = |reason| shared.rejections.count(shared.port, reason, client);
    let requests = service_fn(|mut request: Request<Incoming>| {
        // Not in the future: hyper may read the end of the stream before it polls it.
        let in_flight = activity.start_request();
        request.extensions_mut().insert(ConnectInfo(client));
        let request = request.map(|body| RequestBody::new(body, &activity));
        Box::pin(respond(request, in_flight, &shared, &activity, &reject))
    });
    let mut builder = http1::Builder::new();
    builder
        .max_header_size(MAX_HEAD)
        .max_buf_size(2 * MAX_HEAD)
        .header_read_timeout(None);
    loop {
        let connection = builder.serve_connection(TokioIo::new(socket), &requests);
        match drive(connection, &activity, &shared.drain).await {
            // A request arrived between hyper's last read and the close.
            Closed::WhenIdle(idle) if idle.has_unread() => socket = idle,
            Closed::Rejected(reason) => return reject(reason),
            _ => return,
        }
    }
}

async fn respond(
    request: Request<RequestBody>,
    in_flight: InFlight,
    shared: &Shared,
    activity: &Activity,
    reject: impl Fn(RejectionReason),
) -> Result<Response<Body>, Infallible> {
    if host::is_invalid(&request) {
        reject(RejectionReason::InvalidHost);
        return Ok(invalid_host());
    }
    let mut response = shared.router.clone().oneshot(request).await?;
    if let Some(reason) = response.extensions().get() {
        reject(*reason);
    }
    if shared.drain.phase() > Phase::Serving || activity.is_old() {
        // hyper closes the connection after this response. The client knows, so it
        // does not send its next request on a connection that is being closed.
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    Ok(hold_until_sent(response, in_flight))
}

fn invalid_host() -> Response<Body> {
    let error = "the Host header is missing, duplicated or invalid";
    let mut response = text_error(StatusCode::BAD_REQUEST, error);
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(header::CONNECTION, close);
    response
}

/// Keeps a request with a streaming body in flight until the end of the body.
fn hold_until_sent(response: Response<Body>, in_flight: InFlight) -> Response<Body> {
    if response.body().size_hint().exact().is_some() {
        return response;
    }
    response.map(|body| {
        Body::new(body.map_frame(move |frame| {
            let _held = &in_flight;
            frame
        }))
    })
}

/// How a connection ended.
enum Closed {
    /// By the drain, while no request was in flight.
    WhenIdle(Socket),
    /// Because of a request that was not accepted.
    Rejected(RejectionReason),
    Otherwise,
}

impl Closed {
    fn by_timeout(activity: &Activity) -> Self {
        if activity.has_partial_head() {
            return Self::Rejected(RejectionReason::HeaderTimeout);
        }
        Self::Otherwise
    }
}

/// Serves HTTP on the connection.
async fn drive<S>(
    mut connection: http1::Connection<TokioIo<Socket>, S>,
    activity: &Activity,
    drain: &Drain,
) -> Closed
where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible, Future: Unpin>,
    S: Unpin,
{
    let mut is_closing = false;
    let mut close_when_idle = pin!(close_when_idle(drain));
    let mut force_close = pin!(drain.reached(Phase::ForceClosing));
    let mut check = interval(activity.check_interval());
    let result = loop {
        let http = poll_fn(|cx| connection.poll_without_shutdown(cx));
        // The connection first: a request that has arrived must be served.
        tokio::select! {
            biased;
            result = http => break result,
            () = &mut force_close => return Closed::Otherwise,
            () = &mut close_when_idle, if !is_closing => {
                is_closing = true;
                std::pin::Pin::new(&mut connection).graceful_shutdown();
            }
            _ = check.tick() => if let Some(timeout) = activity.timed_out() {
                tracing::debug!(timeout, "connection closed");
                return Closed::by_timeout(activity);
            }
        }
    };
    let parts = connection.into_parts();
    match result {
        Ok(()) if is_closing => {
            let mut socket = parts.io.into_inner();
            socket.put_back(parts.read_buf);
            Closed::WhenIdle(socket)
        }
        Ok(()) => Closed::Otherwise,
        Err(error) => match rejection(&error, &parts.read_buf, activity) {
            Some(reason) => Closed::Rejected(reason),
            None => Closed::Otherwise,
        },
    }
}

/// Why hyper did not accept a request, if that is its error.
fn rejection(error: &hyper::Error, unread: &[u8], activity: &Activity) -> Option<RejectionReason> {
    /// The type and the major version of a TLS record with a handshake.
    const TLS_HANDSHAKE: [u8; 2] = [0x16, 3];
    if error.is_parse_version_h2() {
        Some(RejectionReason::Http2)
    } else if error.is_parse_too_large() {
        Some(RejectionReason::HeadTooLarge)
    } else if error.is_parse() && unread.starts_with(&TLS_HANDSHAKE) {
        Some(RejectionReason::Tls)
    } else if error.is_parse() {
        Some(RejectionReason::Malformed)
    } else {
        activity
            .has_partial_head()
            .then_some(RejectionReason::IncompleteHead)
    }
}

/// Returns when the drain wants idle connections to close. Requests that are on
/// their way then have time to arrive.
async fn close_when_idle(drain: &Drain) {
    drain.reached(Phase::Closing).await;
    let _ = timeout(ROUND_TRIP, drain.reached(Phase::ForceClosing)).await;
}
