//! A request's body that may be only so large and take only so long.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

/// Why a body was not read to its end, if it was not.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    too_large: AtomicBool,
    too_slow: AtomicBool,
}

impl Verdict {
    pub(crate) fn too_large(&self) -> bool {
        self.too_large.load(Ordering::Relaxed)
    }

    pub(crate) fn too_slow(&self) -> bool {
        self.too_slow.load(Ordering::Relaxed)
    }
}

pin_project! {
    /// The body within its limits.
    pub(crate) struct LimitedBody {
        #[pin]
        inner: Body,
        left: usize,
        deadline: Instant,
        // Made only when the body is waited for: most come with the head.
        #[pin]
        timer: Option<Sleep>,
        verdict: Arc<Verdict>,
    }
}

impl LimitedBody {
    pub(crate) fn new(inner: Body, most: usize, within: Duration, verdict: Arc<Verdict>) -> Self {
        Self {
            inner,
            left: most,
            deadline: Instant::now() + within,
            timer: None,
            verdict,
        }
    }
}

impl HttpBody for LimitedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut this = self.project();
        let Poll::Ready(frame) = this.inner.poll_frame(cx) else {
            if this.timer.is_none() {
                this.timer.set(Some(sleep_until(*this.deadline)));
            }
            let timer = this.timer.as_pin_mut().expect("it was set above");
            ready!(timer.poll(cx));
            this.verdict.too_slow.store(true, Ordering::Relaxed);
            return Poll::Ready(Some(Err(axum::Error::new("the body is too slow"))));
        };
        let Some(Ok(frame)) = frame else {
            return Poll::Ready(frame);
        };
        let length = frame.data_ref().map_or(0, Bytes::len);
        let Some(left) = this.left.checked_sub(length) else {
            this.verdict.too_large.store(true, Ordering::Relaxed);
            return Poll::Ready(Some(Err(axum::Error::new("the body is too large"))));
        };
        *this.left = left;
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
