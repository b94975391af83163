//! Ctrl-C and SIGTERM: a recipe ends what it has started, and then itself.

use std::fmt;

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// The recipe was told to end.
#[derive(Debug)]
pub(crate) struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// The signals that come; none is missed between two looks.
#[derive(Debug)]
pub(crate) struct Interrupts {
    count: watch::Receiver<u32>,
}

impl Interrupts {
    /// Listens from now on: Ctrl-C no longer ends this process by itself.
    pub(crate) fn new() -> Result<Self> {
        let mut interrupt = signal(SignalKind::interrupt()).context("listening for Ctrl-C")?;
        let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
        let (sender, count) = watch::channel(0);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                sender.send_modify(|count| *count += 1);
            }
        });
        Ok(Self { count })
    }

    /// Waits for the next signal.
    pub(crate) async fn next(&mut self) {
        // The sender's task never ends.
        let _ = self.count.changed().await;
    }

    /// Does `work`, which a signal gives up: what it holds is dropped, and with
    /// it the processes that it has started.
    pub(crate) async fn or<T>(&mut self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            _ = self.count.changed() => Err(Interrupted.into()),
            outcome = work => outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_signal_gives_up_what_is_being_done() {
        let (sender, count) = watch::channel(0);
        let mut interrupts = Interrupts { count };
        assert_eq!(interrupts.or(async { Ok(1) }).await.unwrap(), 1);
        // Between two pieces of work, when nobody is waiting for it.
        sender.send_modify(|count| *count += 1);
        let error = interrupts.or(std::future::pending::<Result<()>>()).await;
        assert!(error.unwrap_err().is::<Interrupted>());
    }
}
