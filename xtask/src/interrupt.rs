//! Ctrl-C and SIGTERM: a command stops the processes that it has started, then exits.

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// The command was interrupted by Ctrl-C or SIGTERM.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub(crate) struct Interrupted;

/// Receives signals, including those that arrive while nothing waits for them.
#[derive(Debug)]
pub(crate) struct Interrupts {
    count: watch::Receiver<u32>,
}

impl Interrupts {
    /// Starts to listen. From then on Ctrl-C no longer stops this process by itself.
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

    /// Does `work` until a signal arrives. It is then dropped, which stops the processes
    /// that it has started.
    ///
    /// # Errors
    /// [`Interrupted`] after a signal, or the error of `work`.
    pub(crate) async fn or<T>(&mut self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            _ = self.count.changed() => Err(Interrupted.into()),
            result = work => result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_signal_interrupts_the_work() {
        let (sender, count) = watch::channel(0);
        let mut interrupts = Interrupts { count };
        assert_eq!(interrupts.or(async { Ok(1) }).await.unwrap(), 1);
        // Between two pieces of work, while nothing waits for a signal.
        sender.send_modify(|count| *count += 1);
        let error = interrupts.or(std::future::pending::<Result<()>>()).await;
        assert!(error.unwrap_err().is::<Interrupted>());
    }
}
