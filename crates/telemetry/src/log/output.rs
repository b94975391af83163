//! Standard output. Everything that this process writes to it goes through a
//! bounded queue and a thread of its own, so that a reader that is slow or stalled
//! delays no request, no health check and no shutdown.
//!
//! Not `tracing-appender`, because its queue is limited in lines but not in bytes,
//! and because at its end it writes to standard error, which may be stalled as well.

use std::cell::Cell;
use std::io::{self, Write};
use std::sync::Once;
use std::time::{Duration, Instant};

use tracing_subscriber::fmt::MakeWriter;

use super::line_queue::{LineDropReason, LineQueue};

/// The memory for lines that wait, about 7,000 lines of requests. As much again may
/// be with the writing thread.
const MAX_BYTES: usize = 2 * 1024 * 1024;

/// How often dropped lines are reported while the reader stays too slow.
const REPORT_INTERVAL: Duration = Duration::from_secs(10);

static QUEUE: LineQueue = LineQueue::new(MAX_BYTES);

thread_local! {
    /// Whether this is the writing thread.
    static IS_WRITER: Cell<bool> = const { Cell::new(false) };
}

/// Writes complete lines to standard output without waiting for its reader. Clones
/// share the queue.
#[derive(Clone, Copy)]
pub(crate) struct Output(&'static LineQueue);

impl Output {
    /// Starts the writing thread at the first call.
    ///
    /// # Errors
    /// If the operating system cannot start the thread.
    pub(crate) fn start() -> io::Result<Self> {
        static STARTED: Once = Once::new();
        let mut result = Ok(());
        STARTED.call_once(|| {
            let thread = std::thread::Builder::new().name("log".to_owned());
            result = thread.spawn(write_lines).map(drop);
        });
        result.map(|()| Self(&QUEUE))
    }

    /// Writes complete lines, each with its line break. Returns false if they are
    /// dropped because the queue is full.
    pub(crate) fn write_lines(self, lines: &[u8]) -> bool {
        if IS_WRITER.get() {
            self.0.push_always(lines);
            return true;
        }
        self.0.push(lines)
    }
}

/// The lines that were not written since the start of the process.
pub(crate) fn dropped_lines() -> impl Iterator<Item = (&'static str, u64)> {
    let reasons = LineDropReason::ALL.map(LineDropReason::as_str);
    reasons.into_iter().zip(QUEUE.dropped())
}

/// Waits until all lines are written, at most for `timeout`. Returns whether they
/// are.
///
/// Call it before [`std::process::exit`]; [`Telemetry`](crate::Telemetry) calls it
/// at its end.
pub fn flush_log(timeout: Duration) -> bool {
    QUEUE.flush(Instant::now() + timeout)
}

impl<'a> MakeWriter<'a> for Output {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        *self
    }
}

/// `tracing-subscriber` writes each event with one `write_all`.
impl Write for Output {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.write_lines(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The writing thread. It runs for the process's lifetime.
fn write_lines() {
    IS_WRITER.set(true);
    let mut reported = 0;
    let mut reported_at = Instant::now();
    let mut batch = Vec::new();
    loop {
        QUEUE.take(&mut batch);
        let written = write(&batch);
        if written < batch.len() {
            QUEUE.count_dropped(&batch[written..], LineDropReason::WriteFailed);
            continue;
        }
        let dropped = QUEUE.dropped().iter().sum();
        if dropped > reported && (QUEUE.is_empty() || reported_at.elapsed() >= REPORT_INTERVAL) {
            tracing::warn!(
                dropped = dropped - reported,
                total = dropped,
                "log lines were dropped, because standard output could not be written to or its reader was too slow"
            );
            reported = dropped;
            reported_at = Instant::now();
        }
    }
}

/// Writes all bytes to standard output. Returns how many were written before an
/// error.
///
/// Not through [`std::io::stdout`], whose buffer would hide how many those are.
fn write(bytes: &[u8]) -> usize {
    /// How long to wait for the reader of a pipe that another process has made
    /// non-blocking.
    const RETRY_INTERVAL: Duration = Duration::from_millis(5);
    let mut written = 0;
    while written < bytes.len() {
        match rustix::io::write(io::stdout(), &bytes[written..]) {
            Ok(0) => break,
            Ok(more) => written += more,
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN) => std::thread::sleep(RETRY_INTERVAL),
            Err(_) => break,
        }
    }
    written
}
