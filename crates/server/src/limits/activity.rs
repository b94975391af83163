//! What a connection does, and since when, for `HEADER_TIMEOUT`, `IDLE_TIMEOUT`
//! and `MAX_CONNECTION_AGE`.
//!
//! hyper's own header timeout also applies between requests: it would close an
//! idle connection as early as a slow request.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::Config;

/// The activity of one connection, shared by its socket, its requests and its
/// timer.
#[derive(Debug)]
pub(crate) struct Activity {
    header_timeout: Duration,
    idle_timeout: Duration,
    max_age: Duration,
    opened_at: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    requests_in_flight: u32,
    /// A part of the body of the request in flight may still be received.
    is_body_incomplete: bool,
    /// When something was last received, sent or handled.
    active_at: Instant,
    /// When the connection began to wait for the head of a request: at the first
    /// byte of the head, or on a new connection immediately.
    head_started_at: Option<Instant>,
    /// Whether a part of a head was received.
    has_partial_head: bool,
}

impl Activity {
    /// The activity of a new connection.
    ///
    /// The client's port spreads the maximum age by ±10 %, so that connections
    /// which were opened together do not close together.
    pub(crate) fn new(config: &Config, client: SocketAddr) -> Arc<Self> {
        let percent = 90 + u32::from(client.port() % 21);
        let now = Instant::now();
        Arc::new(Self {
            header_timeout: config.header_timeout,
            idle_timeout: config.idle_timeout,
            max_age: config.max_connection_age * percent / 100,
            opened_at: now,
            state: Mutex::new(State {
                requests_in_flight: 0,
                is_body_incomplete: false,
                active_at: now,
                head_started_at: Some(now),
                has_partial_head: false,
            }),
        })
    }

    /// Records that bytes were received.
    pub(crate) fn received(&self) {
        let mut state = self.state();
        let now = Instant::now();
        state.active_at = now;
        if state.requests_in_flight == 0 {
            state.head_started_at.get_or_insert(now);
            state.has_partial_head = true;
        }
    }

    /// Records that bytes were sent.
    pub(crate) fn sent(&self) {
        self.state().active_at = Instant::now();
    }

    /// Records that a request was received. It is in flight until the guard is
    /// dropped.
    pub(crate) fn start_request(self: &Arc<Self>) -> InFlight {
        let mut state = self.state();
        state.requests_in_flight += 1;
        state.head_started_at = None;
        state.has_partial_head = false;
        InFlight(Arc::clone(self))
    }

    /// Records whether a part of the body of the request in flight may still be
    /// received.
    pub(crate) fn set_body_incomplete(&self, incomplete: bool) {
        self.state().is_body_incomplete = incomplete;
    }

    /// Whether a complete request is in flight.
    pub(crate) fn awaits_response(&self) -> bool {
        let state = self.state();
        state.requests_in_flight > 0 && !state.is_body_incomplete
    }

    /// Whether a part of a request's head was received, and no request is in flight.
    pub(crate) fn has_partial_head(&self) -> bool {
        self.state().has_partial_head
    }

    /// Whether the connection has reached its maximum age.
    pub(crate) fn is_old(&self) -> bool {
        self.opened_at.elapsed() >= self.max_age
    }

    /// The name of the timeout that is over, if any. No timeout applies while a
    /// request is in flight.
    pub(crate) fn timed_out(&self) -> Option<&'static str> {
        let state = self.state();
        if state.requests_in_flight > 0 {
            return None;
        }
        if state
            .head_started_at
            .is_some_and(|started_at| started_at.elapsed() >= self.header_timeout)
        {
            return Some("HEADER_TIMEOUT");
        }
        (state.active_at.elapsed() >= self.idle_timeout).then_some("IDLE_TIMEOUT")
    }

    /// How often to call [`Self::timed_out`]: the connection closes at most a
    /// quarter of its timeout late.
    pub(crate) fn check_interval(&self) -> Duration {
        let shortest = self.header_timeout.min(self.idle_timeout);
        (shortest / 4).clamp(Duration::from_millis(10), Duration::from_secs(5))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code that holds the lock can panic halfway through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request in flight.
pub(crate) struct InFlight(Arc<Activity>);

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.requests_in_flight -= 1;
        state.active_at = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use tokio::time::advance;

    use super::*;

    const HEADER: Duration = Duration::from_secs(10);
    const IDLE: Duration = Duration::from_mins(2);

    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        config: Config,
    }

    /// A connection with the default timeouts.
    fn connection() -> Arc<Activity> {
        let config = Arguments::parse_from(["server"]).config;
        assert_eq!((config.header_timeout, config.idle_timeout), (HEADER, IDLE));
        Activity::new(&config, SocketAddr::from(([127, 0, 0, 1], 10)))
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_connection_must_send_a_request_within_the_header_timeout() {
        let connection = connection();
        advance(HEADER / 2).await;
        assert_eq!(connection.timed_out(), None);
        advance(HEADER / 2).await;
        assert_eq!(connection.timed_out(), Some("HEADER_TIMEOUT"));
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_that_trickle_in_do_not_extend_the_header_timeout() {
        let connection = connection();
        for _ in 1..10 {
            advance(HEADER / 10).await;
            connection.received();
            assert_eq!(connection.timed_out(), None);
        }
        advance(HEADER / 10).await;
        assert_eq!(connection.timed_out(), Some("HEADER_TIMEOUT"));
    }

    #[tokio::test(start_paused = true)]
    async fn between_requests_only_the_idle_timeout_applies() {
        let connection = connection();
        connection.received();
        drop(connection.start_request());
        advance(HEADER).await;
        assert_eq!(connection.timed_out(), None);
        advance(IDLE).await;
        assert_eq!(connection.timed_out(), Some("IDLE_TIMEOUT"));
    }

    #[tokio::test(start_paused = true)]
    async fn the_header_timeout_applies_to_the_second_request_too() {
        let connection = connection();
        connection.received();
        drop(connection.start_request());
        advance(HEADER).await;
        connection.received();
        assert_eq!(connection.timed_out(), None);
        advance(HEADER).await;
        assert_eq!(connection.timed_out(), Some("HEADER_TIMEOUT"));
    }

    #[tokio::test(start_paused = true)]
    async fn no_timeout_applies_to_a_request_in_flight() {
        let connection = connection();
        let in_flight = connection.start_request();
        advance(IDLE * 10).await;
        assert_eq!(connection.timed_out(), None);
        drop(in_flight);
        assert_eq!(connection.timed_out(), None);
        advance(IDLE).await;
        assert_eq!(connection.timed_out(), Some("IDLE_TIMEOUT"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_old_after_its_maximum_age() {
        let connection = connection();
        advance(Duration::from_mins(4)).await;
        assert!(!connection.is_old(), "it is younger than 5 min ± 10 %");
        advance(Duration::from_mins(2)).await;
        assert!(connection.is_old());
    }
}
