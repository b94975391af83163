//! Who sends the next request, and when.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::{Pace, Until};

/// What all connections share.
#[derive(Debug)]
pub(super) struct Plan {
    began: Instant,
    pace: Pace,
    until: Until,
    /// How many requests may be sent so far.
    allowed: watch::Sender<u64>,
    taken: AtomicU64,
    done: AtomicU64,
    refused: AtomicU64,
    stopped: AtomicBool,
}

impl Plan {
    pub(super) fn new(pace: Pace, until: Until, allowed: u64) -> Self {
        Self {
            allowed: watch::Sender::new(allowed),
            began: Instant::now(),
            pace,
            until,
            taken: AtomicU64::new(0),
            done: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
        }
    }

    /// Waits for the next turn; the instant is when its request was due. `None`
    /// when there is none any more.
    pub(super) async fn turn(&self) -> Option<Instant> {
        if self.is_over() {
            return None;
        }
        let number = self.taken.fetch_add(1, Ordering::Relaxed);
        if let Until::Requests(requests) = self.until
            && number >= requests
        {
            return None;
        }
        if *self.allowed.borrow() <= number {
            let mut allowed = self.allowed.subscribe();
            // Cannot fail: `self` keeps the sender alive.
            let _ = allowed.wait_for(|allowed| *allowed > number).await;
            if self.is_over() {
                return None;
            }
        }
        let Pace::PerSecond(rate) = self.pace else {
            return Some(Instant::now());
        };
        #[expect(clippy::cast_precision_loss, reason = "exact for 2^53 requests")]
        let due = self.began + Duration::from_secs_f64(number as f64 / rate);
        if due <= Instant::now() {
            return Some(due);
        }
        sleep_until(due).await;
        // The timer is late by up to a millisecond, which is no answer's fault.
        (!self.is_over()).then(Instant::now)
    }

    pub(super) fn count(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    pub(super) fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Allows so many more; says how many are allowed now.
    pub(super) fn allow(&self, more: u64) -> u64 {
        self.allowed.send_modify(|allowed| *allowed += more);
        *self.allowed.borrow()
    }

    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        // Whoever waits to be allowed sees that it is over.
        self.allowed.send_replace(u64::MAX);
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    pub(super) fn is_over(&self) -> bool {
        let late = matches!(self.until, Until::Elapsed(bound) if self.began.elapsed() >= bound);
        late || self.stopped.load(Ordering::Relaxed)
    }
}
