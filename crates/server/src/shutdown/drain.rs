//! The phases of a port's shutdown.

use tokio::sync::watch;

/// Each phase is later than the ones above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// The port accepts connections and requests.
    Serving,
    /// The port still accepts them, but every response has `Connection: close`.
    Draining,
    /// No new connections. A connection closes after its request in flight.
    Closing,
    /// The drain timeout is over: connections are force-closed.
    ForceClosing,
}

/// The phase of a port. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Drain {
    phase: watch::Sender<Phase>,
}

impl Drain {
    pub(crate) fn new() -> Self {
        Self {
            phase: watch::Sender::new(Phase::Serving),
        }
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }

    pub(crate) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Returns when the port is in this phase or a later one.
    pub(crate) async fn reached(&self, phase: Phase) {
        let mut receiver = self.phase.subscribe();
        // Cannot fail: `self` keeps the sender open.
        let _ = receiver.wait_for(|current| *current >= phase).await;
    }
}
