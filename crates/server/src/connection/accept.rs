//! Accepts the connections of a listener, up to `MAX_CONNECTIONS`.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;
use tokio_util::task::TaskTracker;

use super::serve::{Shared, serve};
use crate::limits::LogLimit;
use crate::shutdown::Phase;

/// Accepts connections until [`Phase::Closing`]; returns when all are closed.
pub(crate) async fn accept(listener: TcpListener, shared: Shared, connections: Connections) {
    let drain = shared.drain.clone();
    tokio::select! {
        biased;
        () = drain.reached(Phase::Closing) => {}
        () = accept_all(&listener, &shared, &connections) => {}
    }
    accept_backlog(listener, &shared, &connections);
    connections.closed().await;
}

/// The open connections of a listener.
#[derive(Clone)]
pub(crate) struct Connections {
    free: Arc<Semaphore>,
    max: u32,
    tasks: TaskTracker,
}

impl Connections {
    /// No connections yet, and at most `max` at the same time.
    pub(crate) fn new(max: u32) -> Self {
        Self {
            free: Arc::new(Semaphore::new(max as usize)),
            max,
            tasks: TaskTracker::new(),
        }
    }

    /// The number of open connections.
    pub(crate) fn count(&self) -> usize {
        self.tasks.len()
    }

    async fn permit(&self, warning: &mut LogLimit) -> OwnedSemaphorePermit {
        if self.free.available_permits() == 0 && warning.allows() {
            tracing::warn!(
                max_connections = self.max,
                "connection limit reached; new connections are queued"
            );
        }
        let permit = Arc::clone(&self.free).acquire_owned().await;
        permit.expect("the semaphore is never closed")
    }

    fn spawn(
        &self,
        (stream, client): (TcpStream, SocketAddr),
        shared: &Shared,
        permit: OwnedSemaphorePermit,
    ) {
        let shared = shared.clone();
        self.tasks.spawn(async move {
            serve(stream, client, shared).await;
            drop(permit);
        });
    }

    /// Returns when all connections are closed.
    async fn closed(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

async fn accept_all(listener: &TcpListener, shared: &Shared, connections: &Connections) {
    let mut limit_warning = LogLimit::default();
    let mut error_log = LogLimit::default();
    loop {
        let permit = connections.permit(&mut limit_warning).await;
        match listener.accept().await {
            Ok(accepted) => connections.spawn(accepted, shared, permit),
            Err(error) if is_connection_error(&error) => {}
            Err(error) => {
                if error_log.allows() {
                    tracing::error!(%error, "cannot accept connections; raise the limit of open files, or lower MAX_CONNECTIONS");
                }
                // Do not spin while the process has no file descriptor left.
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Accepts the connections that the kernel has already completed, and closes the
/// listener: the close would reset them.
///
/// Accepts without the runtime, which may not have seen them yet.
fn accept_backlog(listener: TcpListener, shared: &Shared, connections: &Connections) {
    let Ok(listener) = listener.into_std() else {
        return;
    };
    while let Ok(permit) = Arc::clone(&connections.free).try_acquire_owned() {
        let (stream, client) = match listener.accept() {
            Ok(accepted) => accepted,
            Err(error) if is_connection_error(&error) => continue,
            Err(_) => return,
        };
        let stream = stream
            .set_nonblocking(true)
            .and_then(|()| TcpStream::from_std(stream));
        if let Ok(stream) = stream {
            connections.spawn((stream, client), shared, permit);
        }
    }
}

/// Whether the client closed the connection before it was accepted.
fn is_connection_error(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}
