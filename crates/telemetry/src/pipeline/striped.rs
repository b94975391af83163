//! A counter for what happens many times a request: threads add to it without
//! taking a cache line from each other.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

const STRIPES: usize = 8;

/// Two cache lines, because processors fetch them in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Stripe(AtomicU64);

/// A count that only grows, spread over threads.
#[derive(Debug, Default)]
pub(super) struct Striped([Stripe; STRIPES]);

thread_local! {
    static STRIPE: usize = {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        THREADS.fetch_add(1, Ordering::Relaxed) % STRIPES
    };
}

impl Striped {
    /// One more.
    pub(super) fn increment(&self) {
        let stripe = &self.0[STRIPE.with(|stripe| *stripe)];
        stripe.0.fetch_add(1, Ordering::Release);
    }

    /// All that were counted before, and some of those counted meanwhile.
    pub(super) fn sum(&self) -> u64 {
        let counts = self.0.iter().map(|stripe| stripe.0.load(Ordering::Acquire));
        counts.sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_thread_is_counted_however_many_there_are() {
        let counter = Striped::default();
        std::thread::scope(|scope| {
            for _ in 0..3 * STRIPES {
                scope.spawn(|| (0..1000).for_each(|_| counter.increment()));
            }
        });
        assert_eq!(counter.sum(), 3 * STRIPES as u64 * 1000);
    }
}
