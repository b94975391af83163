//! SIGTERM and SIGINT.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Resolves at the first SIGTERM or SIGINT. The second one, by then, ends the
/// process at once: the drain takes seconds, and a person may not want to wait.
///
/// The handlers are in place when this returns, before anything is served.
///
/// # Errors
/// Where the platform refuses a handler.
pub fn shutdown_signal() -> io::Result<impl Future<Output = ()>> {
    let mut signals = Signals {
        terminate: signal(SignalKind::terminate())?,
        interrupt: signal(SignalKind::interrupt())?,
    };
    Ok(async move {
        let first = signals.next().await;
        tracing::info!(signal = first.0, "stopping");
        tokio::spawn(async move {
            let (name, number) = signals.next().await;
            tracing::error!(
                signal = name,
                "second signal: exit at once; requests in flight and queued spans are lost"
            );
            // As a shell says it of a process that a signal has ended.
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
