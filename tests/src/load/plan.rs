//! Decides which connection sends the next request, and when.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// The pace of requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// Each connection sends its next request when the last one is completed.
    AsFastAsPossible,
    /// Requests per second, however slow the responses are. The latency of a request that
    /// has to wait for a connection is measured from when it was due.
    PerSecond(f64),
}

/// When a load ends, if it is not stopped before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// After this number of requests.
    Requests(u64),
    /// After this time.
    Elapsed(Duration),
}

/// The state that all connections of a load share.
#[derive(Debug)]
pub(super) struct Plan {
    start: Instant,
    pace: Pace,
    until: Until,
    /// How many requests may be sent so far.
    allowed: watch::Sender<u64>,
    taken: AtomicU64,
    completed: AtomicU64,
    refused: AtomicU64,
    stopped: AtomicBool,
}

impl Plan {
    pub(super) fn new(pace: Pace, until: Until, allowed: u64) -> Self {
        Self {
            start: Instant::now(),
            pace,
            until,
            allowed: watch::Sender::new(allowed),
            taken: AtomicU64::new(0),
            completed: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
        }
    }

    /// Waits until a connection must send its next request, and returns when it was due.
    /// Returns `None` at the end of the load.
    pub(super) async fn next(&self) -> Option<Instant> {
        if self.is_over() {
            return None;
        }
        let number = self.taken.fetch_add(1, Ordering::Relaxed);
        if matches!(self.until, Until::Requests(requests) if number >= requests) {
            return None;
        }
        let mut allowed = self.allowed.subscribe();
        // Cannot fail: `self` keeps the sender alive.
        let _ = allowed.wait_for(|allowed| *allowed > number).await;
        if self.is_over() {
            return None;
        }
        let Pace::PerSecond(rate) = self.pace else {
            return Some(Instant::now());
        };
        #[expect(clippy::cast_precision_loss, reason = "exact for 2^53 requests")]
        let due = self.start + Duration::from_secs_f64(number as f64 / rate);
        if due <= Instant::now() {
            return Some(due);
        }
        sleep_until(due).await;
        // Not `due`: the timer is late by up to a millisecond, which is not the server's latency.
        (!self.is_over()).then(Instant::now)
    }

    pub(super) fn count(&self, refused: bool) {
        self.refused
            .fetch_add(u64::from(refused), Ordering::Relaxed);
        self.completed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    pub(super) fn completed(&self) -> u64 {
        self.completed.load(Ordering::Relaxed)
    }

    /// Allows `n` more requests; returns how many are allowed in all.
    pub(super) fn allow(&self, n: u64) -> u64 {
        self.allowed.send_modify(|allowed| *allowed += n);
        *self.allowed.borrow()
    }

    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        // Wakes the connections that wait, so that they see the end.
        self.allowed.send_replace(u64::MAX);
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    fn is_over(&self) -> bool {
        let late = matches!(self.until, Until::Elapsed(time) if self.elapsed() >= time);
        late || self.stopped.load(Ordering::Relaxed)
    }
}
