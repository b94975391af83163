//! Serves the two ports of a service until its shutdown.

use std::time::Duration;

use axum::Router;
use telemetry::Accounting;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::connection::{self, Connections, Shared};
use crate::limits::{Rejections, connection_limit};
use crate::shutdown::{Drain, Phase};
use crate::{Config, Listeners, admin};

/// The routes of a service's two ports.
#[derive(Clone, Debug)]
pub struct Routes {
    /// On the public port.
    pub public: Router,
    /// On the admin port, in addition to `/livez`, `/readyz` and `/metrics`.
    pub internal: Router,
}

/// The result of [`run`].
#[derive(Clone, Copy, Debug)]
pub struct Served {
    /// The rest of `SHUTDOWN_TIMEOUT`, for exporting the last spans.
    pub time_left: Duration,
    /// The number of connections that were force-closed after `DRAIN_TIMEOUT`.
    pub force_closed: usize,
}

/// The names of the ports in metrics and logs.
const PUBLIC: &str = "public";
const ADMIN: &str = "admin";

/// The time that the admin port always has to close.
const MIN_ADMIN_DRAIN: Duration = Duration::from_millis(500);

/// Serves until `shutdown` resolves, then drains:
///
/// 1. For `DRAIN_DELAY`, both ports still accept connections and requests, and
///    every response has `Connection: close`. `/readyz` is not ready, except with
///    `DRAIN_READY`.
/// 2. The public port accepts no more connections. Requests in flight have
///    `DRAIN_TIMEOUT` to finish.
/// 3. The admin port closes last, because a request in flight may need the
///    internal routes.
pub async fn run(
    listeners: Listeners,
    routes: Routes,
    accounting: Accounting,
    config: &Config,
    shutdown: impl Future<Output = ()>,
) -> Served {
    if let (Ok(http), Ok(admin)) = (listeners.public.local_addr(), listeners.admin.local_addr()) {
        tracing::info!(%http, %admin, "serving");
    }
    let drain = Drain::new();
    let rejections = Rejections::new(&[PUBLIC, ADMIN]);
    let internal = admin::routes(
        routes.internal,
        drain.clone(),
        config.drain_ready,
        accounting,
        rejections.clone(),
    );
    let config = &Config {
        max_connections: connection_limit(config.max_connections),
        ..config.clone()
    };
    let open = |name, listener, router, drain: &Drain| {
        let shared = Shared {
            port: name,
            router,
            config: config.clone(),
            drain: drain.clone(),
            rejections: rejections.clone(),
        };
        Port::open(listener, shared)
    };
    let public = open(PUBLIC, listeners.public, routes.public, &drain);
    let admin = open(ADMIN, listeners.admin, internal, &Drain::new());

    shutdown.await;

    let start = Instant::now();
    tracing::info!(
        delay = ?config.drain_delay,
        timeout = ?config.drain_timeout,
        "draining; a second signal exits immediately"
    );
    public.drain.enter(Phase::Draining);
    admin.drain.enter(Phase::Draining);
    sleep(config.drain_delay).await;
    let deadline = Instant::now() + config.drain_timeout;
    let mut force_closed = public.close(deadline).await;
    let deadline = deadline.max(Instant::now() + MIN_ADMIN_DRAIN);
    force_closed += admin.close(deadline).await;
    if force_closed > 0 {
        tracing::warn!(
            connections = force_closed,
            "connections force-closed after DRAIN_TIMEOUT"
        );
    }
    tracing::info!(took = ?start.elapsed(), "drained");
    Served {
        time_left: config.shutdown_timeout.saturating_sub(start.elapsed()),
        force_closed,
    }
}

/// A listener and its connections.
struct Port {
    drain: Drain,
    connections: Connections,
    task: JoinHandle<()>,
}

impl Port {
    fn open(listener: TcpListener, shared: Shared) -> Self {
        let connections = Connections::new(shared.config.max_connections);
        let drain = shared.drain.clone();
        let task = tokio::spawn(connection::accept(listener, shared, connections.clone()));
        Self {
            drain,
            connections,
            task,
        }
    }

    /// Closes the port by the deadline. Returns the number of connections that
    /// were force-closed.
    async fn close(mut self, deadline: Instant) -> usize {
        /// For the connections to notice that they are force-closed.
        const GRACE: Duration = Duration::from_millis(100);
        self.drain.enter(Phase::Closing);
        if timeout_at(deadline, &mut self.task).await.is_ok() {
            return 0;
        }
        let force_closed = self.connections.count();
        self.drain.enter(Phase::ForceClosing);
        if timeout(GRACE, &mut self.task).await.is_err() {
            // A handler that blocks its thread cannot be cancelled.
            self.task.abort();
        }
        force_closed
    }
}
