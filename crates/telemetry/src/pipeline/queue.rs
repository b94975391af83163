//! The bounded queue of encoded spans between the request threads and the
//! exporting thread.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::encode::EncodedSpan;

/// The maximum size of the queue in bytes, whatever the number of spans. With
/// the batch that is being sent (at most [`MAX_BATCH_BYTES`], and the same again
/// as one request body) this bounds the pipeline's memory to 24 MiB.
const MAX_QUEUED_BYTES: usize = 16 * 1024 * 1024;
/// The maximum size of a batch of more than one span, in bytes.
const MAX_BATCH_BYTES: usize = 2 * 1024 * 1024;

/// The result of [`Queue::push`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    /// The span is queued.
    Queued,
    /// The span is queued and completes a batch: wake the exporting thread.
    BatchReady,
    /// The queue is full.
    Full,
    /// The queue is closed: shutdown has started.
    Closed,
}

/// The queue. It is safe to use from any thread.
#[derive(Debug)]
pub(super) struct Queue {
    max_spans: usize,
    max_batch: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    spans: VecDeque<EncodedSpan>,
    bytes: usize,
    /// A span was refused since the last batch was taken.
    refused: bool,
    closed: bool,
}

impl Queue {
    pub(super) fn new(max_spans: usize, max_batch: usize) -> Self {
        Self {
            max_spans,
            max_batch,
            state: Mutex::default(),
        }
    }

    /// Appends a span.
    pub(super) fn push(&self, span: EncodedSpan) -> Pushed {
        let mut state = self.lock();
        if state.closed {
            return Pushed::Closed;
        }
        if state.spans.len() >= self.max_spans || state.bytes + span.size() > MAX_QUEUED_BYTES {
            state.refused = true;
            return Pushed::Full;
        }
        state.bytes += span.size();
        state.spans.push_back(span);
        // Once per batch, not per span: waking a thread is a system call.
        if state.spans.len().is_multiple_of(self.max_batch) {
            Pushed::BatchReady
        } else {
            Pushed::Queued
        }
    }

    /// Takes the oldest spans, up to a batch. With `only_full` it takes a full
    /// batch or nothing.
    pub(super) fn take(&self, only_full: bool) -> Option<Vec<EncodedSpan>> {
        let mut state = self.lock();
        if state.spans.is_empty() || only_full && state.spans.len() < self.max_batch {
            return None;
        }
        let (mut spans, mut bytes) = (0, 0);
        for span in state.spans.iter().take(self.max_batch) {
            if spans > 0 && bytes + span.size() > MAX_BATCH_BYTES {
                break;
            }
            spans += 1;
            bytes += span.size();
        }
        state.bytes -= bytes;
        state.refused = false;
        Some(state.spans.drain(..spans).collect())
    }

    /// Whether a span was refused and there is still no room for it.
    pub(super) fn is_full(&self) -> bool {
        self.lock().refused
    }

    /// Refuses every span from now on.
    pub(super) fn close(&self) {
        self.lock().closed = true;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock, so the state is consistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::InstrumentationScope;

    use super::Pushed::{BatchReady, Full, Queued};
    use super::*;

    fn span(bytes: usize) -> EncodedSpan {
        EncodedSpan {
            scope: InstrumentationScope::default(),
            bytes: vec![0; bytes],
        }
    }

    #[test]
    fn a_full_queue_has_room_again_after_a_batch_was_taken() {
        let queue = Queue::new(4, 2);
        let pushed: Vec<_> = (0..5).map(|_| queue.push(span(4))).collect();
        assert_eq!(pushed, [Queued, BatchReady, Queued, BatchReady, Full]);
        assert!(queue.is_full());
        assert_eq!(queue.take(true).expect("a batch is full").len(), 2);
        assert!(!queue.is_full());
        assert_eq!(queue.push(span(4)), Queued);
    }

    #[test]
    fn the_queue_and_its_batches_are_bounded_in_bytes() {
        const MEGABYTE: usize = 1024 * 1024;
        let queue = Queue::new(usize::MAX, 512);
        let refused = (0..100).find(|_| queue.push(span(MEGABYTE)) == Full);
        assert_eq!(refused, Some(15), "16 spans of 1 MiB exceed 16 MiB");
        assert!(queue.is_full(), "the queue must know that it is full");
        let batch = queue.take(false).expect("there are spans");
        assert_eq!(batch.len(), 1, "two spans of 1 MiB exceed a batch");
    }

    #[test]
    fn a_closed_queue_refuses_spans_and_returns_those_that_it_has() {
        let queue = Queue::new(5, 2);
        queue.push(span(4));
        queue.close();
        assert_eq!(queue.push(span(4)), Pushed::Closed);
        assert!(queue.take(true).is_none(), "one span is not a full batch");
        assert_eq!(queue.take(false).expect("one span is queued").len(), 1);
    }
}
