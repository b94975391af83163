//! The body of a request, which records whether it is complete: only then a client
//! that closes its side of the connection may still wait for the response.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use crate::limits::Activity;

pub(super) struct RequestBody {
    inner: Incoming,
    /// Of the connection, until the body is complete.
    incomplete: Option<Arc<Activity>>,
}

impl RequestBody {
    pub(super) fn new(inner: Incoming, activity: &Arc<Activity>) -> Self {
        let incomplete = (!inner.is_end_stream()).then(|| {
            activity.set_body_incomplete(true);
            Arc::clone(activity)
        });
        Self { inner, incomplete }
    }

    fn complete(&mut self) {
        if let Some(activity) = self.incomplete.take() {
            activity.set_body_incomplete(false);
        }
    }
}

/// A handler that does not need the body can respond without it.
impl Drop for RequestBody {
    fn drop(&mut self) {
        self.complete();
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        if frame.is_none() || self.inner.is_end_stream() {
            self.complete();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
