//! The end of a listener's life, as the connections see it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

/// How far the end has come. Phases only go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Requests are welcome.
    Serving,
    /// Requests are answered, and each answer asks the client to go elsewhere.
    Draining,
    /// No connection is accepted; those there are end with the request in flight.
    Closing,
    /// The time is over: connections end as they are.
    Cut,
}

/// A listener's phase; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Drain {
    phase: watch::Sender<Phase>,
    /// `phase > Serving`, for each answer to look at without a lock.
    draining: Arc<AtomicBool>,
}

impl Drain {
    pub(crate) fn new() -> Self {
        Self {
            phase: watch::Sender::new(Phase::Serving),
            draining: Arc::default(),
        }
    }

    /// Goes on to a later phase.
    pub(crate) fn enter(&self, phase: Phase) {
        self.draining.store(true, Ordering::Relaxed);
        self.phase.send_if_modified(|current| {
            let later = phase > *current;
            *current = phase.max(*current);
            later
        });
    }

    /// Whether the end has begun.
    pub(crate) fn has_begun(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// How far it has come.
    pub(crate) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Returns when this phase, or a later one, has come.
    pub(crate) async fn reached(&self, phase: Phase) {
        let mut watched = self.phase.subscribe();
        // Cannot fail: `self` keeps the sender alive.
        let _ = watched.wait_for(|current| *current >= phase).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn phases_only_go_on() {
        let drain = Drain::new();
        assert!(!drain.has_begun());
        drain.enter(Phase::Closing);
        drain.enter(Phase::Draining);
        assert!(drain.has_begun());
        drain.reached(Phase::Closing).await;
        assert_eq!(drain.phase(), Phase::Closing);
    }
}
