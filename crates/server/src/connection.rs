//! One connection, from accept to close.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::Config;
use crate::activity::{Activity, Limits, Watch};
use crate::drain::{Drain, Phase};
use crate::reminder::Reminder;
use crate::service::Routes;
use crate::socket::Socket;

/// The largest head of a request, in bytes; past it the answer is 431.
const MAX_HEAD: usize = 32 * 1024;

/// How long what is on its way may take: about one long round trip. When
/// closing, a connection is left open for so long for a request that the client
/// has sent already; when closed, until the client has been silent for so long.
pub(crate) const ROUND_TRIP: Duration = Duration::from_millis(250);

/// What every connection of a listener is served with.
#[derive(Clone)]
pub(crate) struct Serving {
    pub(crate) router: Router,
    pub(crate) config: Config,
    pub(crate) drain: Drain,
}

/// Serves a connection to its end: by the client, by a timeout, or by the drain.
pub(crate) async fn serve(stream: TcpStream, peer: SocketAddr, serving: Serving) {
    // Answers are written whole: waiting to fill a packet only delays them.
    // A socket that cannot be set is one that the client has closed.
    let _ = stream.set_nodelay(true);
    let activity = Activity::new(serving.drain.clone());
    let mut socket = Socket::new(stream, Arc::clone(&activity));
    let limits = Limits::new(&serving.config, peer);
    let mut watch = Watch::new(Arc::clone(&activity), limits);
    let routes = Routes {
        router: RefCell::new(serving.router),
        peer,
        activity,
    };
    let mut builder = http1::Builder::new();
    builder
        .max_header_size(MAX_HEAD)
        .max_buf_size(2 * MAX_HEAD)
        // Most answers are small: copied behind their head and sent as one buffer,
        // they cost the kernel less than a vector of two.
        .writev(false)
        .header_read_timeout(None);
    loop {
        let connection = builder.serve_connection(TokioIo::new(socket), routes.clone());
        let (ended, mut rest) = drive(connection, &mut watch, &serving.drain).await;
        if ended == Ended::Closed && rest.has_unread() {
            // A request came in the moment between the last look and the close.
            socket = rest;
            continue;
        }
        if ended != Ended::Broken {
            linger(&mut rest).await;
        }
        return;
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// By the client, or behind an answer that said so, or by an answer to what was no HTTP.
    Done,
    /// By us, when no request was in flight.
    Closed,
    /// The socket failed, or the client was too slow.
    Broken,
}

/// Runs HTTP on the connection and gives the socket back.
async fn drive(
    mut connection: http1::Connection<TokioIo<Socket>, Routes>,
    watch: &mut Watch,
    drain: &Drain,
) -> (Ended, Socket) {
    let mut asked = false;
    let mut tick = Reminder::new(sleep(watch.period()));
    let mut end = Reminder::new(told_to_end(drain.clone(), asked));
    let ended = loop {
        let http = std::future::poll_fn(|cx| connection.poll_without_shutdown(cx));
        // The connection first: what has arrived is a request that counts.
        tokio::select! {
            biased;
            outcome = http => break match outcome {
                Ok(()) if asked => Ended::Closed,
                Ok(()) => Ended::Done,
                Err(error) if error.is_parse() => Ended::Done,
                Err(_) => Ended::Broken,
            },
            () = &mut end => {
                if asked {
                    break Ended::Broken;
                }
                asked = true;
                end = Reminder::new(told_to_end(drain.clone(), asked));
                std::pin::Pin::new(&mut connection).graceful_shutdown();
            }
            () = &mut tick => {
                if let Some(reason) = watch.overdue(Instant::now()) {
                    tracing::debug!(reason, "connection closed");
                    break Ended::Broken;
                }
                tick = Reminder::new(sleep(watch.period()));
            }
        }
    };
    let parts = connection.into_parts();
    let mut socket = parts.io.into_inner();
    socket.put_back(parts.read_buf);
    (ended, socket)
}

/// Returns when the drain wants the connection to end: first when it is idle,
/// then as it is.
async fn told_to_end(drain: Drain, once_before: bool) {
    if once_before {
        return drain.reached(Phase::Cut).await;
    }
    drain.reached(Phase::Closing).await;
    // Either way it is time.
    let _ = timeout(ROUND_TRIP, drain.reached(Phase::Cut)).await;
}

/// Says that nothing more will come, and throws away what the client still
/// sends: closing at once would reset the connection, and with it destroy the
/// last answer before the client has read it.
async fn linger(socket: &mut Socket) {
    const MOST: usize = 4 * 1024 * 1024;
    const LONGEST: Duration = Duration::from_secs(2);
    let until_silent = async {
        socket.shutdown().await?;
        let mut thrown_away = vec![0; 4096];
        let mut total = 0;
        while let Ok(read) = timeout(ROUND_TRIP, socket.read(&mut thrown_away)).await {
            let read = read?;
            total += read;
            if read == 0 || total > MOST {
                break;
            }
        }
        std::io::Result::Ok(())
    };
    // However this ends, the connection has ended.
    let _ = timeout(LONGEST, until_silent).await;
}
