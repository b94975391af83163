//! Signals that end the process, and signals that must not.
//!
//! Each signal whose default action ends a process without a shutdown is in one of
//! the two lists, except SIGKILL and those of a fault (SIGSEGV, SIGABRT and the
//! like).

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::process::Signal as Number;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// They start the shutdown. SIGPWR is how LXC stops a container, and SIGXCPU the
/// soft limit of CPU time.
const SHUTDOWN: &[(&str, i32)] = &[
    ("SIGTERM", Number::TERM.as_raw()),
    ("SIGINT", Number::INT.as_raw()),
    (SIGHUP, Number::HUP.as_raw()),
    ("SIGQUIT", Number::QUIT.as_raw()),
    ("SIGXCPU", Number::XCPU.as_raw()),
    #[cfg(target_os = "linux")]
    ("SIGPWR", Number::POWER.as_raw()),
];

const SIGHUP: &str = "SIGHUP";

/// They have no meaning for a service, and are only logged. With SIGXFSZ ignored, a
/// log file that has reached its limit is a failed write. The standard library
/// ignores SIGPIPE.
const IGNORED: &[(&str, i32)] = &[
    ("SIGUSR1", Number::USR1.as_raw()),
    ("SIGUSR2", Number::USR2.as_raw()),
    ("SIGALRM", Number::ALARM.as_raw()),
    ("SIGVTALRM", Number::VTALARM.as_raw()),
    ("SIGPROF", Number::PROF.as_raw()),
    ("SIGIO", Number::IO.as_raw()),
    ("SIGXFSZ", Number::XFSZ.as_raw()),
    #[cfg(target_os = "linux")]
    ("SIGSTKFLT", Number::STKFLT.as_raw()),
];

/// Real-time signals, which are ignored, too. The C library uses those below.
#[cfg(target_os = "linux")]
const REAL_TIME: std::ops::RangeInclusive<i32> = 35..=64;
#[cfg(not(target_os = "linux"))]
const REAL_TIME: std::ops::Range<i32> = 0..0;

/// Resolves at the first SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGXCPU or SIGPWR. A
/// second one exits the process immediately, for an operator who does not want to
/// wait for the drain.
///
/// SIGHUP stays ignored if the process was started so, as by `nohup`. Signals
/// without a meaning here, such as SIGUSR1, are logged and do not end the process.
///
/// The signal handlers are installed when this function returns.
///
/// # Errors
/// If the handler of a signal that starts the shutdown cannot be installed.
pub fn shutdown_signal() -> io::Result<impl Future<Output = ()>> {
    let mut signals = Signals::install()?;
    Ok(async move {
        let signal = signals.next().await;
        tracing::info!(signal = signal.name, "shutdown signal received");
        tokio::spawn(async move {
            let signal = signals.next().await;
            tracing::error!(
                signal = signal.name,
                "second signal: exiting immediately; requests in flight and queued spans are lost"
            );
            telemetry::flush_log(FLUSH_TIMEOUT);
            // The status that a shell reports for a process ended by this signal.
            std::process::exit(128 + signal.number);
        });
    })
}

/// The time for the last log line of a process that exits immediately.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(250);

/// The installed signal handlers.
struct Signals(Vec<Handler>);

struct Handler {
    name: &'static str,
    number: i32,
    ends_process: bool,
    received: Signal,
}

impl Signals {
    fn install() -> io::Result<Self> {
        let is_hangup_ignored = is_ignored_at_start(Number::HUP);
        let shutdown = SHUTDOWN.iter().copied();
        let shutdown = shutdown.filter(|(name, _)| *name != SIGHUP || !is_hangup_ignored);
        let ignored = IGNORED.iter().copied();
        let ignored = ignored.chain(REAL_TIME.map(|number| ("real-time", number)));
        let all = shutdown
            .map(|it| (it, true))
            .chain(ignored.map(|it| (it, false)));
        let handlers = all.filter_map(|((name, number), ends_process)| {
            let received = match signal(SignalKind::from_raw(number)) {
                Ok(received) => received,
                Err(error) if ends_process => return Some(Err(error)),
                // The platform reserves the signal, as valgrind does with the last one.
                Err(_) => return None,
            };
            Some(Ok(Handler {
                name,
                number,
                ends_process,
                received,
            }))
        });
        handlers.collect::<io::Result<_>>().map(Self)
    }

    /// The next signal that ends the process.
    async fn next(&mut self) -> &Handler {
        let index = poll_fn(|cx| self.poll_next(cx)).await;
        &self.0[index]
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<usize> {
        for (index, handler) in self.0.iter_mut().enumerate() {
            while let Poll::Ready(Some(())) = handler.received.poll_recv(cx) {
                if handler.ends_process {
                    return Poll::Ready(index);
                }
                let (signal, number) = (handler.name, handler.number);
                tracing::warn!(signal, number, "signal ignored; it has no meaning here");
            }
        }
        Poll::Pending
    }
}

/// Whether the process was started with this signal ignored. Known only on Linux.
fn is_ignored_at_start(signal: Number) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let set = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let set = set.and_then(|set| u64::from_str_radix(set.trim(), 16).ok());
    // Bit 0 is signal 1.
    set.is_some_and(|set| set & (1 << (signal.as_raw() - 1)) != 0)
}
