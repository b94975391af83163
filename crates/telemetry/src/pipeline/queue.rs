//! The bounded queue between the requests and the exporting thread: spans as
//! encoded bytes, in segments that are sent as they are.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use opentelemetry::InstrumentationScope;

use super::encode::{self, ScopeSpans};

/// The most bytes that wait, whatever the number of spans. With the batch that
/// is being sent (at most [`MAX_BATCH_BYTES`], twice while it is put together)
/// this bounds the pipeline's memory to 24 MiB.
pub(super) const MAX_QUEUED_BYTES: usize = 16 * 1024 * 1024;
/// The most bytes that one export takes, beyond its first segment.
const MAX_BATCH_BYTES: usize = 2 * 1024 * 1024;
/// Spans in one segment, so that a growing segment is never copied for long under the lock.
const SEGMENT_SPANS: usize = 256;
/// The most bytes that a segment is given in advance.
const MAX_ROOM: usize = 256 * 1024;

/// What to do after a span was pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    /// It waits.
    Queued,
    /// It waits, and a whole batch does now: wake the exporting thread.
    BatchReady,
    /// There is no room.
    Full,
    /// The queue takes no more: shutdown has begun.
    Closed,
}

/// The queue. All methods are safe from any thread and hold the lock for a copy at most.
#[derive(Debug)]
pub(super) struct Queue {
    max_spans: usize,
    max_batch: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Every scope that ever had a span: the libraries of one program, so few.
    scopes: Vec<(InstrumentationScope, Vec<u8>)>,
    segments: VecDeque<Segment>,
    /// Bytes by scope of the segment that was full last: the next will take about as many.
    last_full: Vec<usize>,
    spans: usize,
    bytes: usize,
    /// A span has found no room since the last batch was taken.
    refused: bool,
    closed: bool,
}

#[derive(Debug)]
struct Segment {
    spans: usize,
    len: usize,
    /// Encoded spans by scope, in the order of `State::scopes`.
    by_scope: Vec<Vec<u8>>,
}

/// Spans taken from the queue, as the scopes of one request.
pub(super) struct Batch {
    pub(super) spans: usize,
    scopes: Vec<ScopeSpans>,
}

impl Batch {
    /// The `ExportTraceServiceRequest`.
    pub(super) fn request(&self, resource: &[u8]) -> Vec<u8> {
        encode::request(resource, &self.scopes)
    }
}

impl Queue {
    pub(super) fn new(max_spans: usize, max_batch: usize) -> Self {
        Self {
            max_spans,
            max_batch,
            state: Mutex::default(),
        }
    }

    /// Appends one encoded span.
    pub(super) fn push(&self, scope: &InstrumentationScope, span: &[u8]) -> Pushed {
        let mut state = self.lock();
        if state.closed {
            return Pushed::Closed;
        }
        if state.spans >= self.max_spans || state.bytes + span.len() > MAX_QUEUED_BYTES {
            state.refused = true;
            return Pushed::Full;
        }
        let scope = state.scope(scope);
        let segment_spans = SEGMENT_SPANS.min(self.max_batch);
        let segment = state.segment(segment_spans);
        let added = segment.push(scope, span);
        if segment.spans == segment_spans {
            state.last_full = segment.by_scope.iter().map(Vec::len).collect();
        }
        state.spans += 1;
        state.bytes += added;
        // Once a batch, not once a span: waking a thread is a system call.
        if state.spans.is_multiple_of(self.max_batch) {
            Pushed::BatchReady
        } else {
            Pushed::Queued
        }
    }

    /// Takes the oldest spans, up to a batch. `whole` takes them only if they are one.
    pub(super) fn take(&self, whole: bool) -> Option<Batch> {
        let mut state = self.lock();
        if state.spans == 0 || whole && state.spans < self.max_batch {
            return None;
        }
        let mut scopes: Vec<ScopeSpans> = state
            .scopes
            .iter()
            .map(|(_, encoded)| ScopeSpans::of(encoded.clone()))
            .collect();
        let (mut spans, mut bytes) = (0, 0);
        while let Some(next) = state.segments.front() {
            let fits = spans + next.spans <= self.max_batch && bytes + next.len <= MAX_BATCH_BYTES;
            if spans > 0 && !fits {
                break;
            }
            let segment = state.segments.pop_front()?;
            spans += segment.spans;
            bytes += segment.len;
            for (spans, scope) in segment.by_scope.into_iter().zip(&mut scopes) {
                scope.push(spans);
            }
        }
        state.spans -= spans;
        state.bytes -= bytes;
        state.refused = false;
        scopes.retain(|scope| !scope.is_empty());
        Some(Batch { spans, scopes })
    }

    /// Whether there is no room for another span, or was none for the last big one.
    pub(super) fn is_full(&self) -> bool {
        let state = self.lock();
        state.spans >= self.max_spans || state.refused
    }

    /// Spans that wait.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().spans
    }

    /// Takes no more spans from here on.
    pub(super) fn close(&self) {
        self.lock().closed = true;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock; if it did, the queue is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn scope(&mut self, scope: &InstrumentationScope) -> usize {
        if let Some(place) = self.scopes.iter().position(|(known, _)| known == scope) {
            return place;
        }
        self.scopes.push((scope.clone(), encode::scope(scope)));
        self.scopes.len() - 1
    }

    fn segment(&mut self, max_spans: usize) -> &mut Segment {
        let last = self.segments.back();
        if last.is_none_or(|last| last.spans >= max_spans) {
            self.segments.push_back(Segment::sized(&self.last_full));
        }
        self.segments
            .back_mut()
            .expect("a segment was pushed if there was none")
    }
}

impl Segment {
    /// With room for so many bytes of each scope, within reason.
    fn sized(by_scope: &[usize]) -> Self {
        let room = |len: &usize| Vec::with_capacity((*len).min(MAX_ROOM));
        Self {
            spans: 0,
            len: 0,
            by_scope: by_scope.iter().map(room).collect(),
        }
    }

    fn push(&mut self, scope: usize, span: &[u8]) -> usize {
        if self.by_scope.len() <= scope {
            self.by_scope.resize_with(scope + 1, Vec::new);
        }
        let out = &mut self.by_scope[scope];
        let before = out.len();
        encode::span_head(out, span.len());
        out.extend_from_slice(span);
        let added = out.len() - before;
        self.spans += 1;
        self.len += added;
        added
    }
}

#[cfg(test)]
mod tests {
    use super::Pushed::{BatchReady, Full, Queued};
    use super::*;

    fn scope(name: &'static str) -> InstrumentationScope {
        InstrumentationScope::builder(name).build()
    }

    #[test]
    fn a_full_queue_refuses_and_has_room_again_after_a_batch_was_taken() {
        let queue = Queue::new(4, 2);
        let pushed: Vec<_> = (0..5).map(|_| queue.push(&scope("a"), b"span")).collect();
        assert_eq!(pushed, [Queued, BatchReady, Queued, BatchReady, Full]);
        assert_eq!(
            queue.take(true).expect("two spans are a whole batch").spans,
            2
        );
        assert_eq!(queue.push(&scope("a"), b"span"), Queued);
    }

    #[test]
    fn bytes_are_bounded_as_spans_are() {
        let queue = Queue::new(usize::MAX, 512);
        let megabyte = vec![0; 1024 * 1024];
        let taken = (0..100)
            .filter(|_| queue.push(&scope("a"), &megabyte) != Pushed::Full)
            .count();
        assert!(
            taken * megabyte.len() <= MAX_QUEUED_BYTES,
            "{taken} MiB were queued"
        );
        assert!(queue.is_full(), "the queue must know that it is full");
        let batch = queue.take(false).expect("there are spans");
        assert!(batch.request(&[]).len() <= 2 * MAX_BATCH_BYTES + SEGMENT_SPANS * megabyte.len());
    }

    #[test]
    fn a_batch_has_each_scope_once_and_all_its_spans() {
        let queue = Queue::new(5000, 2048);
        for number in 0..1000 {
            queue.push(
                &scope(if number % 2 == 0 { "even" } else { "odd" }),
                b"span",
            );
        }
        let batch = queue.take(false).expect("there are spans");
        assert_eq!(batch.spans, 1000);
        assert_eq!(batch.scopes.len(), 2);
        assert_eq!(
            batch.scopes[0].spans_len(),
            500 * (2 + 4),
            "500 spans of 4 bytes, each under a head of 2"
        );
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn a_closed_queue_takes_nothing_and_gives_what_it_has() {
        let queue = Queue::new(5, 2);
        queue.push(&scope("a"), b"span");
        queue.close();
        assert_eq!(queue.push(&scope("a"), b"span"), Pushed::Closed);
        assert!(queue.take(true).is_none(), "one span is not a whole batch");
        assert_eq!(queue.take(false).expect("the span is still there").spans, 1);
    }
}
