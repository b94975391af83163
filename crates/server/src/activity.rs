//! Whether a connection moves: what it has received and sent, and whether a
//! request is being handled.
//!
//! One timer a connection looks at these figures now and then. hyper's own
//! header timeout would make and drop a timer for every request, and would end
//! an idle connection as early as a slow request.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::drain::Drain;

/// The figures of one connection; written by its socket and its service, read
/// by its timer, all on the same task: no order between them matters.
#[derive(Debug)]
pub(crate) struct Activity {
    drain: Drain,
    reads: AtomicU64,
    writes: AtomicU64,
    requests: AtomicU64,
    in_flight: AtomicU32,
}

impl Activity {
    /// Of a connection that ends with this drain.
    pub(crate) fn new(drain: Drain) -> Arc<Self> {
        Arc::new(Self {
            drain,
            reads: AtomicU64::new(0),
            writes: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            in_flight: AtomicU32::new(0),
        })
    }

    /// A request has been read and is in flight until the guard goes.
    pub(crate) fn begin(self: &Arc<Self>) -> InFlight {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(Arc::clone(self))
    }
}

/// A request in flight.
pub(crate) struct InFlight(Arc<Activity>);

impl InFlight {
    /// Whether the drain of its connection has begun.
    pub(crate) fn is_draining(&self) -> bool {
        self.0.drain.has_begun()
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Judges a connection at each tick of its timer.
pub(crate) struct Watch {
    activity: Arc<Activity>,
    header_timeout: Duration,
    idle_timeout: Duration,
    reads: u64,
    writes: u64,
    requests: u64,
    /// Since when nothing has been received, sent or handled.
    still_since: Instant,
    /// Since when the head of a request is coming in, or is awaited for the first time.
    head_since: Option<Instant>,
}

impl Watch {
    pub(crate) fn new(
        activity: Arc<Activity>,
        header_timeout: Duration,
        idle_timeout: Duration,
    ) -> Self {
        let now = Instant::now();
        Self {
            activity,
            header_timeout,
            idle_timeout,
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
        let shortest = self.header_timeout.min(self.idle_timeout);
        (shortest / 4).clamp(Duration::from_millis(10), Duration::from_secs(5))
    }

    /// Why the connection should end now, if it should.
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
        if self
            .head_since
            .is_some_and(|since| past(since, self.header_timeout))
        {
            return Some("the head of a request did not come in within HEADER_TIMEOUT");
        }
        past(self.still_since, self.idle_timeout).then_some("idle for IDLE_TIMEOUT")
    }
}

/// A socket that counts, and that can be read again from what was read already.
pub(crate) struct Socket {
    stream: TcpStream,
    again: Bytes,
    activity: Arc<Activity>,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream, activity: Arc<Activity>) -> Self {
        Self {
            stream,
            again: Bytes::new(),
            activity,
        }
    }

    /// Puts back what was read and not used.
    pub(crate) fn put_back(&mut self, unused: Bytes) {
        debug_assert!(self.again.is_empty(), "what is put back is read first");
        self.again = unused;
    }

    /// Whether anything has come that nobody has read: asked of the kernel,
    /// which knows before the runtime does.
    pub(crate) fn has_unread(&self) -> bool {
        let mut first = [std::mem::MaybeUninit::uninit()];
        !self.again.is_empty()
            || socket2::SockRef::from(&self.stream)
                .peek(&mut first)
                .is_ok_and(|bytes| bytes > 0)
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if self.again.is_empty() {
            ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        } else {
            let length = self.again.len().min(buffer.remaining());
            buffer.put_slice(&self.again[..length]);
            self.again.advance(length);
        }
        self.activity.reads.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.activity.writes.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, slices))?;
        self.activity.writes.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Duration = Duration::from_secs(10);
    const IDLE: Duration = Duration::from_mins(2);

    fn watched() -> (Arc<Activity>, Watch, Instant) {
        let activity = Activity::new(Drain::new());
        let watch = Watch::new(Arc::clone(&activity), HEADER, IDLE);
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
}
