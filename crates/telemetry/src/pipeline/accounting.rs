//! What became of every span: created = sampled out + exported + dropped + on the way.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::prometheus;
use super::striped::Striped;

/// Why a span that was sampled did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DropReason {
    /// The queue was full: the Collector is slower than the service, or away for too long.
    QueueFull,
    /// It could not be exported within `OTEL_BSP_EXPORT_TIMEOUT`, and younger spans needed the room.
    ExportTimeout,
    /// The Collector refused it, with a status that says not to try again or as a partial success.
    Rejected,
    /// It was still queued when the time to shut down was over.
    ShutdownTimeout,
    /// It ended after shutdown had begun.
    AfterShutdown,
    /// It was never ended before the process did.
    Unended,
    /// `OTEL_TRACES_EXPORTER` is `none`.
    ExporterNone,
}

impl DropReason {
    /// All reasons, in the order of [`SpanCounts::dropped_by`].
    pub const ALL: [Self; 7] = [
        Self::QueueFull,
        Self::ExportTimeout,
        Self::Rejected,
        Self::ShutdownTimeout,
        Self::AfterShutdown,
        Self::Unended,
        Self::ExporterNone,
    ];

    /// The reason as `error.type` of metrics and as it is logged.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::ExportTimeout => "export_timeout",
            Self::Rejected => "rejected",
            Self::ShutdownTimeout => "shutdown_timeout",
            Self::AfterShutdown => "after_shutdown",
            Self::Unended => "unended",
            Self::ExporterNone => "exporter_none",
        }
    }
}

/// The live figures. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Accounting {
    counters: Arc<Counters>,
}

#[derive(Debug, Default)]
struct Counters {
    created: Striped,
    sampled_out: Striped,
    /// Ever put into the queue.
    enqueued: Striped,
    /// Of those, exported or dropped since.
    settled: AtomicU64,
    exported: AtomicU64,
    dropped: [AtomicU64; DropReason::ALL.len()],
    queue_capacity: AtomicU64,
    ended: AtomicBool,
}

impl Accounting {
    pub(super) fn with_capacity(spans: usize) -> Self {
        let accounting = Self::default();
        accounting
            .counters
            .queue_capacity
            .store(spans as u64, Ordering::Relaxed);
        accounting
    }

    pub(super) fn created(&self) {
        self.counters.created.increment();
    }

    pub(super) fn sampled_out(&self) {
        self.counters.sampled_out.increment();
    }

    pub(super) fn queued(&self) {
        self.counters.enqueued.increment();
    }

    /// A span that never came into the queue.
    pub(super) fn refused(&self, reason: DropReason) {
        self.counters.dropped[reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Settles a batch that left the queue: so many arrived, the rest did not.
    pub(super) fn settled(&self, exported: u64, dropped: u64, reason: DropReason) {
        // Out of the queue first: a snapshot between the two sees the spans as
        // open, and never twice.
        self.counters
            .settled
            .fetch_add(exported + dropped, Ordering::Release);
        self.counters
            .exported
            .fetch_add(exported, Ordering::Release);
        self.counters.dropped[reason as usize].fetch_add(dropped, Ordering::Release);
    }

    /// No span is created or ended from here on: what is still open never will be.
    pub(super) fn end(&self) {
        self.counters.ended.store(true, Ordering::Release);
    }

    /// The figures now. They add up whenever they are taken: what has been
    /// created and not yet settled is `open` or `queued`.
    pub fn snapshot(&self) -> SpanCounts {
        let counters = &self.counters;
        let ended = counters.ended.load(Ordering::Acquire);
        // Later stages first, `created` last: a span that moves on meanwhile is
        // seen at an earlier stage, never at none.
        let mut dropped = counters
            .dropped
            .each_ref()
            .map(|count| count.load(Ordering::Acquire));
        let exported = counters.exported.load(Ordering::Acquire);
        let settled = counters.settled.load(Ordering::Acquire);
        let queued = counters.enqueued.sum() - settled;
        let sampled_out = counters.sampled_out.sum();
        let created = counters.created.sum();
        let known = sampled_out + exported + queued + dropped.iter().sum::<u64>();
        let mut open = created.saturating_sub(known);
        if ended {
            dropped[DropReason::Unended as usize] += std::mem::take(&mut open);
        }
        let queue_capacity = counters.queue_capacity.load(Ordering::Relaxed);
        SpanCounts {
            created,
            sampled_out,
            open,
            queued,
            queue_capacity,
            exported,
            dropped,
        }
    }

    /// The figures in Prometheus' text format, under the names that the
    /// semantic conventions give an SDK's own metrics.
    pub fn to_prometheus(&self) -> String {
        prometheus::text(&self.snapshot())
    }
}

/// What became of the spans of this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpanCounts {
    /// Spans started.
    pub created: u64,
    /// Spans that the sampler left out.
    pub sampled_out: u64,
    /// Spans that have not ended yet.
    pub open: u64,
    /// Spans that wait in the queue or are being sent.
    pub queued: u64,
    /// Spans that the queue can hold.
    pub queue_capacity: u64,
    /// Spans that the Collector has accepted.
    pub exported: u64,
    /// Spans lost, by reason, in the order of [`DropReason::ALL`].
    pub dropped: [u64; DropReason::ALL.len()],
}

impl SpanCounts {
    /// Spans lost for this reason.
    pub fn dropped_by(&self, reason: DropReason) -> u64 {
        self.dropped[reason as usize]
    }

    /// Spans lost for any reason but that nobody wanted them (`OTEL_TRACES_EXPORTER=none`).
    pub fn lost(&self) -> u64 {
        self.dropped.iter().sum::<u64>() - self.dropped_by(DropReason::ExporterNone)
    }

    /// Whether every span created is accounted for.
    pub fn is_exact(&self) -> bool {
        let known = self.sampled_out
            + self.open
            + self.queued
            + self.exported
            + self.dropped.iter().sum::<u64>();
        self.created == known
    }
}

impl fmt::Display for SpanCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "created={} exported={} sampled_out={}",
            self.created, self.exported, self.sampled_out
        )?;
        write!(f, " dropped={}", self.dropped.iter().sum::<u64>())?;
        for reason in DropReason::ALL {
            if self.dropped_by(reason) > 0 {
                write!(f, " {}={}", reason.as_str(), self.dropped_by(reason))?;
            }
        }
        if self.open + self.queued > 0 {
            write!(f, " open={} queued={}", self.open, self.queued)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_add_up_at_every_stage() {
        let accounting = Accounting::with_capacity(10);
        for _ in 0..5 {
            accounting.created();
        }
        accounting.sampled_out();
        accounting.queued();
        accounting.queued();
        accounting.refused(DropReason::QueueFull);
        let counts = accounting.snapshot();
        assert!(counts.is_exact(), "{counts}");
        assert_eq!((counts.open, counts.queued), (1, 2));

        accounting.settled(1, 1, DropReason::Rejected);
        accounting.end();
        let counts = accounting.snapshot();
        assert!(counts.is_exact(), "{counts}");
        assert_eq!(
            counts.to_string(),
            "created=5 exported=1 sampled_out=1 dropped=3 queue_full=1 rejected=1 unended=1"
        );
    }

    #[test]
    fn reasons_are_counted_in_their_own_place() {
        for (place, reason) in DropReason::ALL.into_iter().enumerate() {
            assert_eq!(
                reason as usize, place,
                "{reason:?} must be found where ALL lists it"
            );
        }
    }
}
