//! A response body that ends its server span after its last byte, or when it is dropped.

use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::server_span::ServerSpan;

pin_project! {
    /// The body of a traced response, with the span of its request while it is streamed.
    pub struct TracedBody<B> {
        #[pin]
        inner: B,
        span: Option<ServerSpan>,
    }
}

impl<B> TracedBody<B> {
    pub(super) fn traced(inner: B, span: ServerSpan) -> Self {
        Self {
            inner,
            span: Some(span),
        }
    }

    /// A body whose span has ended.
    pub(super) fn untraced(inner: B) -> Self {
        Self { inner, span: None }
    }
}

impl<B: Body> Body for TracedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        // On the stack while the body is polled; see `unfinished::error_type`.
        let span = this.span.take();
        let attached = span.as_ref().map(ServerSpan::attach);
        let progress = this.inner.poll_frame(cx);
        drop(attached);
        match (&progress, span) {
            (Poll::Ready(None), Some(span)) => span.end(),
            (Poll::Ready(Some(Err(_))), Some(span)) => span.end_with_error("body"),
            (_, span) => *this.span = span,
        }
        progress
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<B: Default> Default for TracedBody<B> {
    fn default() -> Self {
        Self::untraced(B::default())
    }
}
