//! The exporting thread: it takes batches from the queue, sends them, retries,
//! and counts the result for every span.

use std::sync::mpsc;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use reqwest_retry::policies::ExponentialBackoff;
use reqwest_retry::{Jitter, RetryDecision, RetryPolicy};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, sleep_until};

use super::accounting::Accounting;
use super::console;
use super::counts::DropReason;
use super::encode::{self, EncodedSpan};
use super::export_result::ExportResult;
use super::otlp::Otlp;
use super::queue::Queue;
use super::report::Reporter;
use crate::config::BatchConfig;

const MIN_BACKOFF: Duration = Duration::from_millis(100);
const MAX_BACKOFF: Duration = Duration::from_secs(5);
/// The maximum wait that is accepted from `Retry-After`.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(30);

/// The state that the exporting thread shares with the request threads.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) queue: Queue,
    pub(super) accounting: Accounting,
    /// Notified when a batch is ready or a flush is requested.
    pub(super) wake: Notify,
    /// The end of the shutdown timeout; `None` until shutdown starts.
    pub(super) deadline: watch::Sender<Option<Instant>>,
    flush_requests: Mutex<Vec<mpsc::Sender<()>>>,
}

impl Shared {
    pub(super) fn new(batch: &BatchConfig) -> Self {
        Self {
            queue: Queue::new(batch.max_queue_size, batch.max_export_batch_size),
            accounting: Accounting::new(batch.max_queue_size),
            wake: Notify::new(),
            deadline: watch::Sender::new(None),
            flush_requests: Mutex::default(),
        }
    }

    /// Blocks until every span that was queued before the call is exported or
    /// dropped. Returns false if that takes longer than `timeout`.
    pub(super) fn flush(&self, timeout: Duration) -> bool {
        let (done, wait) = mpsc::channel();
        self.flush_requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(done);
        self.wake.notify_one();
        wait.recv_timeout(timeout).is_ok()
    }

    fn take_flush_requests(&self) -> Vec<mpsc::Sender<()>> {
        let requests = self.flush_requests.lock();
        std::mem::take(&mut requests.unwrap_or_else(PoisonError::into_inner))
    }
}

/// The exporter that `OTEL_TRACES_EXPORTER` selects.
pub(super) enum Exporter {
    Otlp(Box<Otlp>),
    Console,
}

/// The state of the exporting thread.
pub(super) struct Worker<'a> {
    pub(super) shared: &'a Shared,
    pub(super) config: BatchConfig,
    /// The encoded resource.
    pub(super) resource: Vec<u8>,
    pub(super) exporter: Exporter,
    pub(super) reporter: Reporter,
}

impl Worker<'_> {
    /// Exports until shutdown has emptied the queue or its deadline has passed.
    pub(super) async fn run(mut self) {
        let mut deadline = self.shared.deadline.subscribe();
        loop {
            let shutting_down = deadline.borrow_and_update().is_some();
            let batch_ready = !shutting_down
                && tokio::select! {
                    () = self.shared.wake.notified() => true,
                    _ = deadline.changed() => false,
                    () = sleep(self.config.schedule_delay) => false,
                };
            let flush_requests = self.shared.take_flush_requests();
            let only_full = batch_ready && flush_requests.is_empty();
            while let Some(batch) = self.shared.queue.take(only_full) {
                self.export(&batch).await;
            }
            for request in flush_requests {
                // An error means that the caller stopped waiting.
                let _ = request.send(());
            }
            self.reporter.report(&self.shared.accounting);
            if shutting_down {
                return;
            }
        }
    }

    /// Sends one batch until all its spans are exported or dropped.
    async fn export(&mut self, batch: &[EncodedSpan]) {
        let spans = batch.len() as u64;
        let body = Bytes::from(encode::request(&self.resource, batch));
        let accounting = &self.shared.accounting;
        let started_at = Instant::now();
        for retries in 0.. {
            let result = tokio::select! {
                result = self.exporter.export(body.clone()) => result,
                () = expired(self.shared.deadline.subscribe()) => {
                    return accounting.dropped(spans, DropReason::ShutdownTimeout);
                }
            };
            let (error, retry_after) = match result {
                ExportResult::Accepted {
                    rejected,
                    has_message,
                } => {
                    let rejected = rejected.min(spans);
                    if rejected > 0 {
                        self.reporter.rejected(rejected, "partial success");
                    } else if has_message {
                        self.reporter.accepted_with_warning();
                    }
                    accounting.exported(spans - rejected);
                    return accounting.dropped(rejected, DropReason::Rejected);
                }
                ExportResult::Rejected(error) => {
                    self.reporter.rejected(spans, &error);
                    return accounting.dropped(spans, DropReason::Rejected);
                }
                ExportResult::NotOtlp(error) => {
                    self.reporter.not_otlp(spans, &error);
                    return accounting.dropped(spans, DropReason::NotOtlp);
                }
                ExportResult::Unavailable { error, retry_after } => (error, retry_after),
            };
            self.reporter.unavailable(&error);
            self.reporter.report(accounting);
            // As long as newer spans have room, retrying loses nothing.
            if started_at.elapsed() >= self.config.export_timeout && self.shared.queue.is_full() {
                return accounting.dropped(spans, DropReason::ExportTimeout);
            }
            self.pause(backoff(retries, retry_after)).await;
        }
    }

    /// Waits before the next attempt. The start of shutdown ends the wait.
    async fn pause(&self, wait: Duration) {
        let mut deadline = self.shared.deadline.subscribe();
        let left = deadline
            .borrow_and_update()
            .map(|at| at.saturating_duration_since(Instant::now()));
        // During shutdown the remaining time must suffice for several attempts.
        let wait = left.map_or(wait, |left| {
            wait.min(left / 4).max(Duration::from_millis(10))
        });
        tokio::select! {
            () = sleep(wait) => {}
            _ = deadline.changed() => {}
        }
    }
}

impl Exporter {
    /// Makes one attempt to send an encoded `ExportTraceServiceRequest`.
    async fn export(&mut self, body: Bytes) -> ExportResult {
        match self {
            Self::Otlp(otlp) => otlp.export(body).await,
            Self::Console => console::export(&body),
        }
    }
}

/// The wait before the next attempt: exponential with jitter, as the OTLP
/// specification requires, or the Collector's `Retry-After`.
fn backoff(retries: u32, retry_after: Option<Duration>) -> Duration {
    // Zero would send the batch again and again without a pause.
    if let Some(wait) = retry_after.filter(|wait| *wait >= MIN_BACKOFF) {
        return wait.min(MAX_RETRY_AFTER);
    }
    let now = SystemTime::now();
    let policy = ExponentialBackoff::builder()
        .retry_bounds(MIN_BACKOFF, MAX_BACKOFF)
        .jitter(Jitter::Bounded)
        .build_with_max_retries(u32::MAX);
    match policy.should_retry(now, retries) {
        RetryDecision::Retry { execute_after } => {
            execute_after.duration_since(now).unwrap_or_default()
        }
        RetryDecision::DoNotRetry => MAX_BACKOFF,
    }
}

/// Completes when the shutdown deadline has passed; never without a deadline.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_is_bounded_and_retry_after_overrides_it() {
        for (retries, max) in [(0, MIN_BACKOFF), (1, 2 * MIN_BACKOFF), (1000, MAX_BACKOFF)] {
            let wait = backoff(retries, None);
            // Two readings of the clock are in between.
            let max = max + Duration::from_millis(10);
            assert!(wait <= max, "{wait:?} after {retries} retries");
        }
        let seven = Duration::from_secs(7);
        assert_eq!(backoff(0, Some(seven)), seven);
        assert_eq!(backoff(0, Some(Duration::from_hours(1))), MAX_RETRY_AFTER);
        let immediately = backoff(0, Some(Duration::ZERO));
        assert!(
            immediately > Duration::ZERO,
            "a wait of zero is not accepted"
        );
    }
}
