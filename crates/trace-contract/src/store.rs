//! What a receiver got: spans by trace, with waiting that is woken by arrivals.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::ids::{SpanId, TraceId};
use crate::model::{Span, Trace};

/// How many traces are kept in full unless [`Store::keep`] says otherwise.
const DEFAULT_KEPT_TRACES: usize = 10_000;

/// The spans that arrived. Clones share the content.
///
/// Of the oldest traces only the ids are kept once there are more than
/// [`Store::keep`] allows, so that a long run does not fill the memory and the
/// counts stay exact.
#[derive(Clone, Debug)]
pub struct Store {
    content: Arc<Mutex<Content>>,
    version: watch::Sender<u64>,
}

#[derive(Debug)]
struct Content {
    traces: HashMap<TraceId, Vec<Span>>,
    /// The kept traces, oldest first.
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

    /// Keeps the newest `traces` in full, from now on. With 0, spans are only counted.
    pub fn keep(&self, traces: usize) {
        let mut content = self.content();
        content.keep = traces;
        content.forget_oldest();
    }

    pub(crate) fn only_counts(&self) -> bool {
        self.content().keep == 0
    }

    /// Adds the spans of one export request.
    pub fn add(&self, spans: Vec<Span>) {
        self.content().add(spans);
        self.version.send_modify(|version| *version += 1);
    }

    /// The spans of a trace that arrived so far; `None` when there are none.
    pub fn trace(&self, id: TraceId) -> Option<Trace> {
        let spans = self.content().traces.get(&id)?.clone();
        Some(Trace::new(id, spans))
    }

    /// The ids of the traces that are kept in full, the oldest first.
    pub fn trace_ids(&self) -> Vec<TraceId> {
        self.content().order.iter().copied().collect()
    }

    /// How many distinct spans arrived: distinct pairs of trace id and span id.
    pub fn span_count(&self) -> u64 {
        self.content().seen.len() as u64
    }

    /// How many distinct spans of each service arrived.
    pub fn spans_by_service(&self) -> BTreeMap<String, u64> {
        self.content().services.clone()
    }

    /// How many spans arrived whose trace id and span id were there already.
    pub fn duplicates(&self) -> u64 {
        self.content().duplicates
    }

    /// How many export requests were accepted.
    pub fn requests(&self) -> u64 {
        self.content().requests
    }

    /// Forgets all that arrived, counts included.
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

    /// Waits until `predicate` holds of the store: it is asked at once and after
    /// each arrival.
    ///
    /// # Errors
    /// When it does not hold within `timeout`: the error says what was waited
    /// for (`what`) and what the store had at last.
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

    /// Waits until something arrives; at most until `deadline`.
    pub(crate) async fn changed(&self, seen: &mut watch::Receiver<u64>, deadline: Instant) {
        // Whether it was the deadline or an arrival, the caller looks again.
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
        // Nothing is left half done when a thread panics with the lock.
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
        self.forget_oldest();
    }

    fn count(&mut self, service: &str) {
        match self.services.get_mut(service) {
            Some(count) => *count += 1,
            None => {
                self.services.insert(service.to_owned(), 1);
            }
        }
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

    fn forget_oldest(&mut self) {
        while self.order.len() > self.keep {
            if let Some(oldest) = self.order.pop_front() {
                self.traces.remove(&oldest);
            }
        }
    }
}

/// What was waited for did not come in time.
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
