//! The bounded queue of log lines between the threads that log and the thread
//! that writes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Why a line was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineDropReason {
    /// The queue was full: the reader is slower than the log, or stalled.
    QueueFull,
    /// The write failed, for example because the disk is full or the reader has
    /// closed the pipe.
    WriteFailed,
}

impl LineDropReason {
    /// All reasons, in the order of [`LineQueue::dropped`].
    pub(crate) const ALL: [Self; 2] = [Self::QueueFull, Self::WriteFailed];

    /// The reason in metrics.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::WriteFailed => "write_failed",
        }
    }
}

/// Complete lines that wait to be written, limited in bytes.
pub(super) struct LineQueue {
    max_bytes: usize,
    state: Mutex<State>,
    /// Wakes the writing thread.
    filled: Condvar,
    /// Wakes the threads that wait until all lines are written.
    written: Condvar,
    dropped: [AtomicU64; LineDropReason::ALL.len()],
}

#[derive(Default)]
struct State {
    pending: Vec<u8>,
    /// The writing thread waits for lines. A `notify_one` is a system call, also if
    /// no thread waits.
    is_idle: bool,
    /// The writing thread has lines that it has not written.
    is_writing: bool,
}

impl LineQueue {
    pub(super) const fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            state: Mutex::new(State {
                pending: Vec::new(),
                is_idle: false,
                is_writing: false,
            }),
            filled: Condvar::new(),
            written: Condvar::new(),
            dropped: [const { AtomicU64::new(0) }; LineDropReason::ALL.len()],
        }
    }

    /// Appends one or more complete lines. Never waits for the writing thread.
    /// Returns false if they do not fit; they are then counted as dropped.
    pub(super) fn push(&self, lines: &[u8]) -> bool {
        let fits = self.push_within(self.max_bytes, lines);
        if !fits {
            self.count_dropped(lines, LineDropReason::QueueFull);
        }
        fits
    }

    /// Appends lines that must not be dropped, whatever the limit.
    pub(super) fn push_always(&self, lines: &[u8]) {
        self.push_within(usize::MAX, lines);
    }

    fn push_within(&self, max_bytes: usize, lines: &[u8]) -> bool {
        let mut state = self.state();
        if lines.len() > max_bytes.saturating_sub(state.pending.len()) {
            return false;
        }
        state.pending.extend_from_slice(lines);
        let wake = std::mem::take(&mut state.is_idle);
        drop(state);
        if wake {
            self.filled.notify_one();
        }
        true
    }

    /// Waits for lines, and moves all of them to `batch`, which is replaced. The
    /// lines of the batch before are then written.
    pub(super) fn take(&self, batch: &mut Vec<u8>) {
        /// A burst must not keep its memory.
        const KEPT: usize = 64 * 1024;
        batch.clear();
        batch.shrink_to(KEPT);
        let mut state = self.state();
        state.is_writing = false;
        if state.pending.is_empty() {
            self.written.notify_all();
        }
        while state.pending.is_empty() {
            state.is_idle = true;
            state = wait(self.filled.wait(state));
        }
        std::mem::swap(&mut state.pending, batch);
        state.is_idle = false;
        state.is_writing = true;
    }

    /// Whether no lines wait.
    pub(super) fn is_empty(&self) -> bool {
        self.state().pending.is_empty()
    }

    /// Waits until all lines are written, or until the deadline. Returns whether
    /// they are.
    pub(super) fn flush(&self, deadline: Instant) -> bool {
        let mut state = self.state();
        while state.is_writing || !state.pending.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = wait(self.written.wait_timeout(state, left)).0;
        }
        true
    }

    /// Counts the lines in `lines` as dropped.
    pub(super) fn count_dropped(&self, lines: &[u8], reason: LineDropReason) {
        let count = lines.split(|byte| *byte == b'\n').count() - 1;
        self.dropped[reason as usize].fetch_add(count as u64, Ordering::Relaxed);
    }

    /// The number of dropped lines, by reason.
    pub(super) fn dropped(&self) -> [u64; LineDropReason::ALL.len()] {
        self.dropped
            .each_ref()
            .map(|count| count.load(Ordering::Relaxed))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        wait(self.state.lock())
    }
}

/// No code that holds the lock can panic halfway through a change.
fn wait<T>(result: Result<T, PoisonError<T>>) -> T {
    result.unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn lines_that_do_not_fit_are_dropped_and_counted_and_later_ones_fit_again() {
        let queue = LineQueue::new(10);
        assert!(queue.push(b"12345678\n"));
        assert!(!queue.push(b"a\nb\n"), "there is room for one byte");
        assert_eq!(queue.dropped(), [2, 0]);
        let mut batch = b"an older batch".to_vec();
        queue.take(&mut batch);
        assert_eq!(batch, b"12345678\n");
        assert!(queue.push(b"abcdefghi\n"), "exactly the limit fits");
        queue.push_always(b"report\n");
        queue.take(&mut batch);
        assert_eq!(batch, b"abcdefghi\nreport\n");
        assert_eq!(queue.dropped(), [2, 0]);
    }

    #[test]
    fn a_flush_waits_for_the_lines_and_not_beyond_its_deadline() {
        let queue = LineQueue::new(10);
        let soon = || Instant::now() + Duration::from_millis(20);
        assert!(queue.flush(soon()), "an empty queue is flushed");
        queue.push(b"line\n");
        assert!(!queue.flush(soon()), "no thread writes");
        std::thread::scope(|threads| {
            let mut batch = Vec::new();
            queue.take(&mut batch);
            assert!(!queue.flush(soon()), "the line is not yet written");
            let queue = &queue;
            threads.spawn(move || queue.take(&mut batch));
            assert!(queue.flush(Instant::now() + Duration::from_secs(20)));
            queue.push(b"end\n");
        });
    }
}
