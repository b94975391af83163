//! Serving and its end: the order in which a service's two ports go away.

use std::time::Duration;

use axum::Router;
use telemetry::Accounting;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::accept::{self, Slots};
use crate::connection::Serving;
use crate::drain::{Drain, Phase};
use crate::{Config, Listeners, admin};

/// What a service answers on its two ports.
#[derive(Clone, Debug)]
pub struct Routes {
    /// On the public port.
    pub public: Router,
    /// On the admin port, beside `/livez`, `/readyz` and `/metrics`.
    pub internal: Router,
}

/// How serving ended.
#[derive(Clone, Copy, Debug)]
pub struct Served {
    /// What is left of `SHUTDOWN_TIMEOUT`: for the last spans.
    pub time_left: Duration,
    /// Connections that were cut because `DRAIN_TIMEOUT` was over.
    pub cut: usize,
}

/// The least that the admin port gets to end in, after a drain that took all its time.
const LEAST_ADMIN: Duration = Duration::from_millis(500);

/// Serves until `shutdown`, then drains: not ready, or with `DRAIN_READY` only
/// after the delay; `DRAIN_DELAY`; no new connections; requests in flight end
/// within `DRAIN_TIMEOUT`. The admin port answers to the end of that, because a
/// request in flight may need the internal routes; then it ends too.
///
/// Every answer since `shutdown` asks its client to close the connection.
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
    let internal = admin::routes(
        routes.internal,
        drain.clone(),
        config.drain_ready,
        accounting,
    );
    let public = Port::open(listeners.public, routes.public, drain, config);
    let admin = Port::open(listeners.admin, internal, Drain::new(), config);

    shutdown.await;

    let began = Instant::now();
    tracing::info!(
        delay = ?config.drain_delay,
        timeout = ?config.drain_timeout,
        "draining; the signal again ends at once"
    );
    public.drain.enter(Phase::Draining);
    admin.drain.enter(Phase::Draining);
    sleep(config.drain_delay).await;
    let deadline = Instant::now() + config.drain_timeout;
    let cut = public.close(deadline).await;
    let cut = cut
        + admin
            .close(deadline.max(Instant::now() + LEAST_ADMIN))
            .await;
    if cut > 0 {
        tracing::warn!(connections = cut, "cut when DRAIN_TIMEOUT was over");
    }
    let time_left = config.shutdown_timeout.saturating_sub(began.elapsed());
    tracing::info!(took = ?began.elapsed(), "drained");
    Served { time_left, cut }
}

/// One listener being served.
struct Port {
    drain: Drain,
    slots: Slots,
    served: JoinHandle<()>,
}

impl Port {
    fn open(
        listener: tokio::net::TcpListener,
        router: Router,
        drain: Drain,
        config: &Config,
    ) -> Self {
        let slots = Slots::new(config.max_connections);
        let serving = Serving {
            router,
            config: config.clone(),
            drain: drain.clone(),
        };
        Self {
            drain,
            slots: slots.clone(),
            served: tokio::spawn(accept::run(listener, serving, slots)),
        }
    }

    /// Ends the port by the deadline; says how many connections had to be cut.
    async fn close(mut self, deadline: Instant) -> usize {
        /// For the tasks to notice.
        const GRACE: Duration = Duration::from_millis(100);
        self.drain.enter(Phase::Closing);
        tokio::select! {
            biased;
            _ = &mut self.served => return 0,
            () = sleep_until(deadline) => {}
        }
        let cut = self.slots.served();
        self.drain.enter(Phase::Cut);
        if timeout_at(Instant::now() + GRACE, &mut self.served)
            .await
            .is_err()
        {
            // A handler that blocks its thread cannot be ended, only left behind.
            self.served.abort();
        }
        cut
    }
}
