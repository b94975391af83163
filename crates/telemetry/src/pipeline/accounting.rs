//! The live counters behind [`SpanCounts`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::counts::{DropReason, SpanCounts};
use super::prometheus;
use crate::log::dropped_lines;

/// The live counters. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Accounting {
    counters: Arc<Counters>,
}

#[derive(Debug, Default)]
struct Counters {
    created: AtomicU64,
    sampled_out: AtomicU64,
    /// Sampled spans that have ended. Each is exported or dropped later.
    ended: AtomicU64,
    exported: AtomicU64,
    dropped: [AtomicU64; DropReason::ALL.len()],
    queue_capacity: u64,
    shut_down: AtomicBool,
}

impl Accounting {
    pub(super) fn new(queue_capacity: usize) -> Self {
        let counters = Counters {
            queue_capacity: queue_capacity as u64,
            ..Counters::default()
        };
        Self {
            counters: Arc::new(counters),
        }
    }

    pub(super) fn created(&self) {
        self.counters.created.fetch_add(1, Ordering::Release);
    }

    pub(super) fn sampled_out(&self) {
        self.counters.sampled_out.fetch_add(1, Ordering::Release);
    }

    /// Call this before [`Accounting::exported`] or [`Accounting::dropped`] can
    /// be called for the same span.
    pub(super) fn ended(&self) {
        self.counters.ended.fetch_add(1, Ordering::Release);
    }

    pub(super) fn exported(&self, spans: u64) {
        self.counters.exported.fetch_add(spans, Ordering::Release);
    }

    pub(super) fn dropped(&self, spans: u64, reason: DropReason) {
        self.counters.dropped[reason as usize].fetch_add(spans, Ordering::Release);
    }

    /// Counts spans that are still open as [`DropReason::Unended`] from now on.
    pub(super) fn shut_down(&self) {
        self.counters.shut_down.store(true, Ordering::Release);
    }

    /// The counts now. They add up at any moment.
    pub fn snapshot(&self) -> SpanCounts {
        let counters = &self.counters;
        let shut_down = counters.shut_down.load(Ordering::Acquire);
        // The last state is read first: a span that changes its state meanwhile
        // is counted in its earlier state, and only there.
        let mut dropped = counters
            .dropped
            .each_ref()
            .map(|count| count.load(Ordering::Acquire));
        let exported = counters.exported.load(Ordering::Acquire);
        let ended = counters.ended.load(Ordering::Acquire);
        let sampled_out = counters.sampled_out.load(Ordering::Acquire);
        let created = counters.created.load(Ordering::Acquire);
        let queued = ended - exported - dropped.iter().sum::<u64>();
        let mut open = created - sampled_out - ended;
        if shut_down {
            dropped[DropReason::Unended as usize] += std::mem::take(&mut open);
        }
        SpanCounts {
            created,
            sampled_out,
            open,
            queued,
            queue_capacity: counters.queue_capacity,
            exported,
            dropped,
        }
    }

    /// The counts in Prometheus' text format, as the SDK metrics of the
    /// semantic conventions, and the log lines that this process has dropped.
    pub fn to_prometheus(&self) -> String {
        prometheus::text(&self.snapshot(), dropped_lines())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_in_every_state() {
        let accounting = Accounting::new(10);
        for _ in 0..5 {
            accounting.created();
        }
        accounting.sampled_out();
        for _ in 0..3 {
            accounting.ended();
        }
        accounting.dropped(1, DropReason::QueueFull);
        let counts = accounting.snapshot();
        assert!(counts.is_exact(), "{counts}");
        assert_eq!((counts.open, counts.queued), (1, 2));

        accounting.exported(1);
        accounting.dropped(1, DropReason::Rejected);
        accounting.shut_down();
        let counts = accounting.snapshot();
        assert!(counts.is_exact(), "{counts}");
        assert_eq!(
            counts.to_string(),
            "created=5 exported=1 sampled_out=1 dropped=3 queue_full=1 rejected=1 unended=1"
        );
    }
}
