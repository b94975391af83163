//! The exporting thread: takes batches from the queue, sends them, tries again
//! what can be tried again, and settles the accounts.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};
use tokio::time::{sleep, sleep_until};

use super::accounting::{Accounting, DropReason};
use super::backoff::Backoff;
use super::queue::{Batch, Queue};
use super::report::Reporter;
use super::sink::{Outcome, Sink};
use crate::config::BatchConfig;

/// What the exporting thread shares with the requests' threads.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) queue: Queue,
    pub(super) accounting: Accounting,
    /// A batch is ready, or somebody wants the queue flushed.
    pub(super) wake: Notify,
    /// When shutdown ends; `None` while there is none.
    pub(super) deadline: watch::Sender<Option<Instant>>,
    flushes: Mutex<Flushes>,
    flushed: Condvar,
}

#[derive(Debug, Default)]
struct Flushes {
    wanted: u64,
    done: u64,
}

impl Shared {
    pub(super) fn new(batch: &BatchConfig, accounting: Accounting) -> Self {
        Self {
            queue: Queue::new(batch.max_queue_size, batch.max_export_batch_size),
            accounting,
            wake: Notify::new(),
            deadline: watch::Sender::new(None),
            flushes: Mutex::default(),
            flushed: Condvar::new(),
        }
    }

    /// Blocks until all that was queued before the call is settled; false if that took longer.
    pub(super) fn flush(&self, timeout: Duration) -> bool {
        let mut flushes = self.flushes.lock().unwrap_or_else(PoisonError::into_inner);
        flushes.wanted += 1;
        let mine = flushes.wanted;
        self.wake.notify_one();
        let waiting = self
            .flushed
            .wait_timeout_while(flushes, timeout, |flushes| flushes.done < mine);
        !waiting
            .unwrap_or_else(PoisonError::into_inner)
            .1
            .timed_out()
    }

    fn flush_wanted(&self) -> Option<u64> {
        let flushes = self.flushes.lock().unwrap_or_else(PoisonError::into_inner);
        (flushes.wanted > flushes.done).then_some(flushes.wanted)
    }

    fn flush_done(&self, number: u64) {
        self.flushes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .done = number;
        self.flushed.notify_all();
    }
}

/// The thread's own state.
pub(super) struct Worker<'a> {
    pub(super) shared: &'a Shared,
    pub(super) config: BatchConfig,
    pub(super) resource: Vec<u8>,
    pub(super) sink: Sink,
    pub(super) reporter: Reporter,
}

impl Worker<'_> {
    /// Works until shutdown has emptied the queue or its deadline has passed.
    pub(super) async fn run(mut self) {
        let mut deadline = self.shared.deadline.subscribe();
        loop {
            let ending = deadline.borrow_and_update().is_some();
            let flush = self.shared.flush_wanted();
            let mut whole = !ending && flush.is_none();
            if whole {
                let waited = tokio::select! {
                    () = self.shared.wake.notified() => false,
                    _ = deadline.changed() => continue,
                    () = sleep(self.config.schedule_delay) => true,
                };
                // After the delay everything goes, however little it is.
                whole = !waited && self.shared.flush_wanted().is_none();
            }
            while let Some(batch) = self.shared.queue.take(whole) {
                self.export(batch).await;
            }
            if let Some(number) = flush {
                self.shared.flush_done(number);
            }
            self.reporter.report(&self.shared.accounting);
            if ending {
                return;
            }
        }
    }

    /// Sends one batch until it is settled.
    async fn export(&mut self, batch: Batch) {
        let spans = batch.spans as u64;
        let body = bytes::Bytes::from(batch.request(&self.resource));
        drop(batch);
        let began = Instant::now();
        let mut backoff = Backoff::new();
        let accounting = &self.shared.accounting;
        loop {
            let attempt = tokio::select! {
                outcome = self.sink.send(body.clone()) => outcome,
                () = expired(self.shared.deadline.subscribe()) => {
                    return accounting.settled(0, spans, DropReason::ShutdownTimeout);
                }
            };
            let (error, retry_after) = match attempt {
                Outcome::Accepted { rejected: 0 } => {
                    return accounting.settled(spans, 0, DropReason::Rejected);
                }
                Outcome::Accepted { rejected } => {
                    let rejected = rejected.min(spans);
                    self.reporter
                        .refused(rejected, "the Collector took a part of the batch only");
                    return accounting.settled(spans - rejected, rejected, DropReason::Rejected);
                }
                Outcome::Refused(error) => {
                    self.reporter.refused(spans, &error);
                    return accounting.settled(0, spans, DropReason::Rejected);
                }
                Outcome::Unavailable { error, retry_after } => (error, retry_after),
            };
            self.reporter.unavailable(&error);
            self.reporter.report(accounting);
            // While there is room for younger spans, waiting longer loses nothing.
            if began.elapsed() >= self.config.export_timeout && self.shared.queue.is_full() {
                return accounting.settled(0, spans, DropReason::ExportTimeout);
            }
            self.pause(backoff.next(retry_after)).await;
        }
    }

    /// Waits before the next attempt; shutdown cuts the wait short, once.
    async fn pause(&self, wait: Duration) {
        let mut deadline = self.shared.deadline.subscribe();
        let left = deadline
            .borrow_and_update()
            .map(|at| at.saturating_duration_since(Instant::now()));
        // In shutdown the last attempts are made quickly: there is little time left.
        let wait = left.map_or(wait, |left| {
            wait.min(left / 4).max(Duration::from_millis(10))
        });
        tokio::select! {
            () = sleep(wait) => {}
            _ = deadline.changed() => {}
        }
    }
}

/// Ends when shutdown's deadline has passed; never while there is none.
async fn expired(mut deadline: watch::Receiver<Option<Instant>>) {
    let at = match deadline.wait_for(Option::is_some).await {
        Ok(at) => *at,
        Err(_) => None,
    };
    match at {
        Some(at) => sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
