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
use http::{HeaderValue, Request, Response, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{interval, timeout};
use tower::ServiceExt;

use super::socket::Socket;
use crate::Config;
use crate::limits::{Activity, InFlight};
use crate::shutdown::{Drain, Phase};

/// The maximum size of a request's head, in bytes. A larger one gets a 431.
const MAX_HEAD: usize = 32 * 1024;

/// A long round trip: how long a request may take that the client sent before it
/// could know that the connection closes.
const ROUND_TRIP: Duration = Duration::from_millis(250);

/// What all connections of a port share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) router: Router,
    pub(crate) config: Config,
    pub(crate) drain: Drain,
}

/// Serves a connection until the client, a timeout or the drain closes it.
pub(super) async fn serve(stream: TcpStream, client: SocketAddr, shared: Shared) {
    // Responses are written in one piece: Nagle's algorithm would only delay them.
    // It fails only if the client has closed the connection.
    let _ = stream.set_nodelay(true);
    let activity = Activity::new(&shared.config, client);
    let mut socket = Socket::new(stream, Arc::clone(&activity));
    let requests = service_fn(|mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(client));
        Box::pin(respond(request, &shared, &activity))
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
            Some(idle) if idle.has_unread() => socket = idle,
            _ => return,
        }
    }
}

async fn respond(
    request: Request<Incoming>,
    shared: &Shared,
    activity: &Arc<Activity>,
) -> Result<Response<Body>, Infallible> {
    let in_flight = activity.start_request();
    let mut response = shared.router.clone().oneshot(request).await?;
    if shared.drain.phase() > Phase::Serving || activity.is_old() {
        // hyper closes the connection after this response. The client knows, so it
        // does not send its next request on a connection that is being closed.
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    Ok(hold_until_sent(response, in_flight))
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

/// Serves HTTP on the connection. Returns the socket if the drain closed it while
/// no request was in flight.
async fn drive<S>(
    mut connection: http1::Connection<TokioIo<Socket>, S>,
    activity: &Activity,
    drain: &Drain,
) -> Option<Socket>
where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible, Future: Unpin>,
    S: Unpin,
{
    let mut is_closing = false;
    let mut close_when_idle = pin!(close_when_idle(drain));
    let mut force_close = pin!(drain.reached(Phase::ForceClosing));
    let mut check = interval(activity.check_interval());
    let was_idle = loop {
        let http = poll_fn(|cx| connection.poll_without_shutdown(cx));
        // The connection first: a request that has arrived must be served.
        tokio::select! {
            biased;
            result = http => break result.is_ok() && is_closing,
            () = &mut force_close => break false,
            () = &mut close_when_idle, if !is_closing => {
                is_closing = true;
                std::pin::Pin::new(&mut connection).graceful_shutdown();
            }
            _ = check.tick() => if let Some(timeout) = activity.timed_out() {
                tracing::debug!(timeout, "connection closed");
                break false;
            }
        }
    };
    let parts = connection.into_parts();
    let mut socket = parts.io.into_inner();
    socket.put_back(parts.read_buf);
    was_idle.then_some(socket)
}

/// Returns when the drain wants idle connections to close. Requests that are on
/// their way then have time to arrive.
async fn close_when_idle(drain: &Drain) {
    drain.reached(Phase::Closing).await;
    let _ = timeout(ROUND_TRIP, drain.reached(Phase::ForceClosing)).await;
}
