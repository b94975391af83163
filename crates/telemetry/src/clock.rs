//! The times of spans and events, which a step of the wall clock does not change.
//!
//! When a trace enters this process, its [`Anchor`] reads both clocks once. All later
//! times of this trace in this process are the anchor's wall time plus the difference
//! of the monotonic clock. So durations are exact and children lie within their
//! parents when NTP, a resumed virtual machine or an operator sets the wall clock.
//! The next trace gets an anchor of its own, with the corrected time.

use std::time::{Instant, SystemTime};

use opentelemetry::Context;

/// Both clocks at the moment when a trace entered this process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anchor {
    wall: SystemTime,
    monotonic: Instant,
}

impl Anchor {
    /// An anchor for a trace that enters now.
    pub(crate) fn now() -> Self {
        Self {
            wall: SystemTime::now(),
            monotonic: Instant::now(),
        }
    }

    /// The anchor of the trace of this context.
    pub(crate) fn of(context: &Context) -> Option<Self> {
        context.get().copied()
    }

    /// The context with this anchor.
    pub(crate) fn keep_in(self, context: &Context) -> Context {
        context.with_value(self)
    }

    /// The time now.
    pub(crate) fn time(self) -> SystemTime {
        self.wall + self.monotonic.elapsed()
    }

    /// The time of a span's start at which the wall clock was read as `stamp`: after the
    /// trace entered.
    pub(crate) fn start_time(self, stamp: SystemTime) -> SystemTime {
        self.time_of(stamp, self.wall)
    }

    /// The time at which the wall clock was read as `stamp`, which was after `earliest`.
    ///
    /// Libraries read the wall clock by themselves. Usually the clock was not set since
    /// then, so the stamp's age is right. If that contradicts `earliest`, the clock was
    /// set after the stamp, and the stamp is right as it is. If both are impossible, the
    /// stamp was not read from the clock: the caller has chosen it, and it is kept.
    pub(crate) fn time_of(self, stamp: SystemTime, earliest: SystemTime) -> SystemTime {
        let now = self.time();
        let by_age = SystemTime::now()
            .duration_since(stamp)
            .ok()
            .and_then(|age| now.checked_sub(age));
        match by_age {
            Some(time) if time >= earliest => time,
            _ if (earliest..=now).contains(&stamp) => stamp,
            Some(time) => time,
            None => stamp,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// An anchor that was made a minute ago, and what the wall clock reads now after
    /// a step of this many seconds.
    fn anchored(stepped: i64) -> (Anchor, SystemTime) {
        let monotonic = Instant::now()
            .checked_sub(MINUTE)
            .expect("the machine has run for a minute");
        let now = SystemTime::now();
        let by = Duration::from_secs(stepped.unsigned_abs());
        let before_step = if stepped < 0 { now + by } else { now - by };
        let wall = before_step - MINUTE;
        (Anchor { wall, monotonic }, now)
    }

    const MINUTE: Duration = Duration::from_mins(1);
    const SECOND: Duration = Duration::from_secs(1);

    fn assert_near(time: SystemTime, expected: SystemTime, case: &str) {
        let earlier = time.min(expected);
        let apart = time.max(expected).duration_since(earlier);
        // A loaded machine may stop this test between two readings of a clock.
        assert!(
            apart.is_ok_and(|apart| apart < 20 * SECOND),
            "{case}: {time:?} must be {expected:?}"
        );
    }

    #[test]
    fn a_time_is_right_whether_the_clock_was_set_before_or_after_it() {
        for stepped in [0, 3600, -3600, 90, -90] {
            let (anchor, now) = anchored(stepped);
            let (start, end) = (anchor.wall, anchor.wall + MINUTE);
            let half = MINUTE / 2;
            for (case, stamp, expected) in [
                ("now, after the step", now, end),
                ("after the step", now - half, end - half),
                ("before the step", start + half, start + half),
                ("at the start", start, start),
            ] {
                let case = format!("a step of {stepped} s, a stamp from {case}");
                assert_near(anchor.time_of(stamp, start), expected, &case);
            }
        }
    }

    #[test]
    fn a_time_that_the_caller_has_chosen_is_kept() {
        let (anchor, now) = anchored(0);
        for stamp in [now - 10 * MINUTE, now + 10 * MINUTE] {
            assert_near(anchor.time_of(stamp, anchor.wall), stamp, "no step");
        }
    }
}
