//! Whether a connection moves: what it has received and sent, and whether a
//! request is being handled; and how old it is.
//!
//! One timer a connection looks at these figures now and then. hyper's own
//! header timeout would make and drop a timer for every request, and would end
//! an idle connection as early as a slow request.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::Config;
use crate::drain::Drain;

/// The figures of one connection; written by its socket and its service, read
/// by its timer, all on the same task: no order between them matters.
#[derive(Debug)]
pub(crate) struct Activity {
    drain: Drain,
    old: AtomicBool,
    reads: AtomicU64,
    writes: AtomicU64,
    requests: AtomicU64,
    in_flight: AtomicU64,
}

impl Activity {
    /// Of a connection that ends with this drain.
    pub(crate) fn new(drain: Drain) -> Arc<Self> {
        Arc::new(Self {
            drain,
            old: AtomicBool::new(false),
            reads: AtomicU64::new(0),
            writes: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
        })
    }

    /// Something has been received.
    pub(crate) fn has_read(&self) {
        more(&self.reads);
    }

    /// Something has been sent.
    pub(crate) fn has_written(&self) {
        more(&self.writes);
    }

    /// A request has been read and is in flight until the guard goes.
    pub(crate) fn begin(self: &Arc<Self>) -> InFlight {
        more(&self.requests);
        more(&self.in_flight);
        InFlight(Arc::clone(self))
    }
}

/// One more. There is one writer, so it needs no locked instruction.
fn more(figure: &AtomicU64) {
    figure.store(figure.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

/// A request in flight.
pub(crate) struct InFlight(Arc<Activity>);

impl InFlight {
    /// Whether its client should go on with another connection.
    pub(crate) fn is_the_last(&self) -> bool {
        self.0.drain.has_begun() || self.0.old.load(Ordering::Relaxed)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let others = self.0.in_flight.load(Ordering::Relaxed) - 1;
        self.0.in_flight.store(others, Ordering::Relaxed);
    }
}

/// The times of one connection.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) header: Duration,
    pub(crate) idle: Duration,
    pub(crate) age: Duration,
}

impl Limits {
    /// As the settings say. Clients that have begun together do not begin anew
    /// together: the age is spread over a fifth by their ports.
    pub(crate) fn new(config: &Config, peer: SocketAddr) -> Self {
        let percent = 90 + u32::from(peer.port() % 21);
        Self {
            header: config.header_timeout,
            idle: config.idle_timeout,
            age: config.max_connection_age * percent / 100,
        }
    }
}

/// Judges a connection at each tick of its timer.
pub(crate) struct Watch {
    activity: Arc<Activity>,
    limits: Limits,
    began: Instant,
    reads: u64,
    writes: u64,
    requests: u64,
    /// Since when nothing has been received, sent or handled.
    still_since: Instant,
    /// Since when the head of a request is coming in, or is awaited for the first time.
    head_since: Option<Instant>,
}

impl Watch {
    pub(crate) fn new(activity: Arc<Activity>, limits: Limits) -> Self {
        let now = Instant::now();
        Self {
            activity,
            limits,
            began: now,
            reads: 0,
            writes: 0,
            requests: 0,
            still_since: now,
            // A new connection owes its first request at once.
            head_since: Some(now),
        }
    }

    /// How often to look: a timeout is kept to within a quarter.
    pub(crate) fn period(&self) -> Duration {
        let Limits { header, idle, age } = self.limits;
        let shortest = header.min(idle).min(age);
        (shortest / 4).clamp(Duration::from_millis(10), Duration::from_secs(5))
    }

    /// Why the connection should end now, if it should. One that is only old
    /// ends behind its next answer: closed while it is idle, it could destroy a
    /// request that is on its way.
    pub(crate) fn overdue(&mut self, now: Instant) -> Option<&'static str> {
        let activity = &self.activity;
        let reads = activity.reads.load(Ordering::Relaxed);
        let writes = activity.writes.load(Ordering::Relaxed);
        let requests = activity.requests.load(Ordering::Relaxed);
        let busy = activity.in_flight.load(Ordering::Relaxed) > 0;
        if busy || requests != self.requests {
            self.head_since = None;
        } else if reads != self.reads && self.head_since.is_none() {
            self.head_since = Some(now);
        }
        if busy || reads != self.reads || writes != self.writes {
            self.still_since = now;
        }
        (self.reads, self.writes, self.requests) = (reads, writes, requests);
        let past = |since: Instant, limit| now.saturating_duration_since(since) >= limit;
        if past(self.began, self.limits.age) {
            activity.old.store(true, Ordering::Relaxed);
        }
        if self
            .head_since
            .is_some_and(|since| past(since, self.limits.header))
        {
            return Some("the head of a request did not come in within HEADER_TIMEOUT");
        }
        past(self.still_since, self.limits.idle).then_some("idle for IDLE_TIMEOUT")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Duration = Duration::from_secs(10);
    const IDLE: Duration = Duration::from_mins(2);
    const AGE: Duration = Duration::from_mins(5);

    fn watched() -> (Arc<Activity>, Watch, Instant) {
        let activity = Activity::new(Drain::new());
        let limits = Limits {
            header: HEADER,
            idle: IDLE,
            age: AGE,
        };
        let watch = Watch::new(Arc::clone(&activity), limits);
        let start = watch.still_since;
        (activity, watch, start)
    }

    #[test]
    fn a_new_connection_owes_a_request_within_the_header_timeout() {
        let (_, mut watch, start) = watched();
        assert_eq!(watch.overdue(start + HEADER / 2), None);
        assert!(
            watch
                .overdue(start + HEADER)
                .is_some_and(|why| why.contains("HEADER"))
        );
    }

    #[test]
    fn bytes_that_trickle_do_not_make_a_head_any_younger() {
        let (activity, mut watch, start) = watched();
        for second in 1..10 {
            activity.reads.fetch_add(1, Ordering::Relaxed);
            assert_eq!(watch.overdue(start + Duration::from_secs(second)), None);
        }
        activity.reads.fetch_add(1, Ordering::Relaxed);
        assert!(watch.overdue(start + HEADER).is_some());
    }

    #[test]
    fn between_requests_a_connection_may_be_idle_for_longer() {
        let (activity, mut watch, start) = watched();
        activity.reads.fetch_add(1, Ordering::Relaxed);
        drop(activity.begin());
        assert_eq!(watch.overdue(start + HEADER), None);
        assert_eq!(watch.overdue(start + HEADER * 3), None);
        assert!(
            watch
                .overdue(start + HEADER + IDLE)
                .is_some_and(|why| why.contains("IDLE"))
        );
    }

    #[test]
    fn a_slow_head_on_a_connection_used_before_is_overdue_too() {
        let (activity, mut watch, start) = watched();
        activity.reads.fetch_add(1, Ordering::Relaxed);
        drop(activity.begin());
        assert_eq!(watch.overdue(start + HEADER), None);
        activity.reads.fetch_add(1, Ordering::Relaxed);
        assert_eq!(watch.overdue(start + HEADER * 2), None);
        assert!(watch.overdue(start + HEADER * 3).is_some());
    }

    #[test]
    fn a_request_in_flight_is_never_overdue() {
        let (activity, mut watch, start) = watched();
        let in_flight = activity.begin();
        assert_eq!(watch.overdue(start + IDLE * 10), None);
        drop(in_flight);
        assert_eq!(watch.overdue(start + IDLE * 10), None);
        assert!(watch.overdue(start + IDLE * 11).is_some());
    }

    #[test]
    fn an_old_connection_ends_behind_its_next_answer() {
        let (activity, mut watch, start) = watched();
        let busy = activity.begin();
        assert_eq!(watch.overdue(start + AGE / 2), None);
        assert!(!busy.is_the_last(), "it is young");
        assert_eq!(watch.overdue(start + AGE), None, "a request is in flight");
        assert!(busy.is_the_last(), "its answer must say so");
    }
}
