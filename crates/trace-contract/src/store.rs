//! The received spans by trace. Waiting tasks are woken when spans arrive.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::ids::{SpanId, TraceId};
use crate::model::{Span, Trace};

/// The default of [`Store::keep`].
const DEFAULT_KEPT_TRACES: usize = 10_000;

/// The received spans. Clones share the content.
///
/// When there are more traces than [`Store::keep`] allows, only the ids of the oldest
/// are kept. This limits the memory of a long run, and the counts stay exact.
#[derive(Clone, Debug)]
pub struct Store {
    content: Arc<Mutex<Content>>,
    version: watch::Sender<u64>,
}

#[derive(Debug)]
struct Content {
    traces: HashMap<TraceId, Vec<Span>>,
    /// The traces that are kept, oldest first.
    order: VecDeque<TraceId>,
    seen: HashSet<(TraceId, SpanId)>,
    services: BTreeMap<String, u64>,
    duplicates: u64,
    requests: u64,
    keep: usize,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            content: Arc::new(Mutex::new(Content {
                traces: HashMap::new(),
                order: VecDeque::new(),
                seen: HashSet::new(),
                services: BTreeMap::new(),
                duplicates: 0,
                requests: 0,
                keep: DEFAULT_KEPT_TRACES,
            })),
            version: watch::Sender::new(0),
        }
    }
}

impl Store {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Limits the number of traces whose spans are kept. With 0, spans are only counted.
    pub fn keep(&self, traces: usize) {
        let mut content = self.content();
        content.keep = traces;
        content.remove_oldest();
    }

    pub(crate) fn only_counts(&self) -> bool {
        self.content().keep == 0
    }

    /// Adds the spans of one export request.
    pub fn add(&self, spans: Vec<Span>) {
        self.content().add(spans);
        self.version.send_modify(|version| *version += 1);
    }

    /// The spans of the trace that have arrived so far; `None` if there are none.
    pub fn trace(&self, id: TraceId) -> Option<Trace> {
        let spans = self.content().traces.get(&id)?.clone();
        Some(Trace::new(id, spans))
    }

    /// The ids of the traces whose spans are kept, oldest first.
    pub fn trace_ids(&self) -> Vec<TraceId> {
        self.content().order.iter().copied().collect()
    }

    /// The number of distinct spans: distinct pairs of trace id and span id.
    pub fn span_count(&self) -> u64 {
        self.content().seen.len() as u64
    }

    /// The number of distinct spans per service.
    pub fn spans_by_service(&self) -> BTreeMap<String, u64> {
        self.content().services.clone()
    }

    /// The number of spans that were received again, with the same trace id and span id.
    pub fn duplicates(&self) -> u64 {
        self.content().duplicates
    }

    /// The number of accepted export requests.
    pub fn requests(&self) -> u64 {
        self.content().requests
    }

    /// Removes all spans and resets all counts.
    pub fn clear(&self) {
        let mut content = self.content();
        content.traces.clear();
        content.order.clear();
        content.seen.clear();
        content.services.clear();
        content.duplicates = 0;
        content.requests = 0;
        drop(content);
        self.version.send_modify(|version| *version += 1);
    }

    /// Waits until `predicate` is true. It is checked immediately and after each
    /// arrival.
    ///
    /// # Errors
    /// When it is still false after `timeout`. The error contains `what` was waited for
    /// and the last counts of the store.
    pub async fn wait_for(
        &self,
        what: &str,
        timeout: Duration,
        mut predicate: impl FnMut(&Self) -> bool,
    ) -> Result<(), WaitError> {
        let deadline = Instant::now() + timeout;
        let mut version = self.version.subscribe();
        loop {
            version.borrow_and_update();
            if predicate(self) {
                return Ok(());
            }
            if timeout_at(deadline, version.changed()).await.is_err() {
                return Err(self.wait_error(what, timeout));
            }
        }
    }

    /// Waits until spans arrive, at most until `deadline`.
    pub(crate) async fn changed(&self, seen: &mut watch::Receiver<u64>, deadline: Instant) {
        // The caller reads the store again after an arrival and after the deadline.
        let _ = timeout_at(deadline, seen.changed()).await;
        seen.borrow_and_update();
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    fn wait_error(&self, what: &str, waited: Duration) -> WaitError {
        let content = self.content();
        WaitError {
            what: what.to_owned(),
            waited,
            spans: content.seen.len(),
            traces: content.order.len(),
            requests: content.requests,
        }
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        // No method panics while the content is inconsistent.
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Content {
    fn add(&mut self, spans: Vec<Span>) {
        self.requests += 1;
        for span in spans {
            if self.seen.insert((span.trace_id, span.span_id)) {
                self.count(span.service());
            } else {
                self.duplicates += 1;
            }
            self.keep_span(span);
        }
        self.remove_oldest();
    }

    fn count(&mut self, service: &str) {
        *self.services.entry(service.to_owned()).or_default() += 1;
    }

    fn keep_span(&mut self, span: Span) {
        if self.keep == 0 {
            return;
        }
        let order = &mut self.order;
        let id = span.trace_id;
        self.traces
            .entry(id)
            .or_insert_with(|| {
                order.push_back(id);
                Vec::new()
            })
            .push(span);
    }

    fn remove_oldest(&mut self) {
        while self.order.len() > self.keep {
            if let Some(oldest) = self.order.pop_front() {
                self.traces.remove(&oldest);
            }
        }
    }
}

/// The condition of [`Store::wait_for`] was still false after the timeout.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "waited {waited:?} for {what}; last saw {spans} spans in {traces} kept traces, from {requests} export requests"
)]
pub struct WaitError {
    what: String,
    waited: Duration,
    spans: usize,
    traces: usize,
    requests: u64,
}
