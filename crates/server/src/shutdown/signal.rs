//! SIGTERM and SIGINT.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Resolves at the first SIGTERM or SIGINT. A second signal exits the process
/// immediately, for an operator who does not want to wait for the drain.
///
/// The signal handlers are installed when this function returns.
///
/// # Errors
/// If a signal handler cannot be installed.
pub fn shutdown_signal() -> io::Result<impl Future<Output = ()>> {
    let mut signals = Signals {
        terminate: signal(SignalKind::terminate())?,
        interrupt: signal(SignalKind::interrupt())?,
    };
    Ok(async move {
        let (signal, _) = signals.next().await;
        tracing::info!(signal, "shutdown signal received");
        tokio::spawn(async move {
            let (signal, number) = signals.next().await;
            tracing::error!(
                signal,
                "second signal: exiting immediately; requests in flight and queued spans are lost"
            );
            // The status that a shell reports for a process ended by this signal.
            std::process::exit(128 + number);
        });
    })
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    async fn next(&mut self) -> (&'static str, i32) {
        tokio::select! {
            _ = self.terminate.recv() => ("SIGTERM", SignalKind::terminate().as_raw_value()),
            _ = self.interrupt.recv() => ("SIGINT", SignalKind::interrupt().as_raw_value()),
        }
    }
}
