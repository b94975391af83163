//! The wait between two attempts to export: exponential with jitter, as the
//! OTLP specification asks of a client.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);
/// The longest wait that a Collector may ask for with `Retry-After`.
const LONGEST_ASKED: Duration = Duration::from_secs(30);

/// The waits of one batch.
pub(super) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub(super) fn new() -> Self {
        Self { next: FIRST }
    }

    /// How long to wait now: what the Collector asked for, else twice as long
    /// as the time before, less up to a half by chance, so that services that
    /// lost the Collector together do not come back together.
    pub(super) fn next(&mut self, asked: Option<Duration>) -> Duration {
        let wait = self.next;
        self.next = (wait * 2).min(LONGEST);
        match asked {
            Some(asked) => asked.min(LONGEST_ASKED),
            None => wait.mul_f64(1.0 - chance() / 2.0),
        }
    }
}

/// A number from 0 to 1; `RandomState` is seeded by the operating system.
fn chance() -> f64 {
    let bits = RandomState::new().hash_one(0_u8) >> 32;
    f64::from(u32::try_from(bits).expect("32 bits are left")) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let mut backoff = Backoff::new();
        for doubled in [100, 200, 400, 800, 1600, 3200, 5000, 5000] {
            let wait = backoff.next(None);
            let longest = Duration::from_millis(doubled);
            assert!(
                wait <= longest && wait >= longest / 2,
                "{wait:?} is not between half of and {longest:?}"
            );
        }
    }

    #[test]
    fn the_collectors_own_wish_comes_first_within_reason() {
        let mut backoff = Backoff::new();
        assert_eq!(
            backoff.next(Some(Duration::from_secs(7))),
            Duration::from_secs(7)
        );
        assert_eq!(backoff.next(Some(Duration::from_hours(1))), LONGEST_ASKED);
    }
}
