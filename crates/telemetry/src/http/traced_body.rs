//! A response body that ends its server span when it has been sent or given up.

use std::pin::Pin;
use std::task::{Context as Poller, Poll};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::server_span::ServerSpan;

pin_project! {
    /// A streaming body with the span of the request that it answers.
    pub(crate) struct TracedBody {
        #[pin]
        inner: Body,
        span: Option<ServerSpan>,
    }
}

impl TracedBody {
    pub(crate) fn new(inner: Body, span: ServerSpan) -> Self {
        Self {
            inner,
            span: Some(span),
        }
    }
}

impl HttpBody for TracedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        poller: &mut Poller<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.project();
        let attached = this.span.as_ref().map(ServerSpan::attach);
        let outcome = this.inner.poll_frame(poller);
        drop(attached);
        match &outcome {
            Poll::Ready(None) => {
                if let Some(span) = this.span.take() {
                    span.end();
                }
            }
            Poll::Ready(Some(Err(_))) => {
                if let Some(span) = this.span.take() {
                    span.end_with_error("body");
                }
            }
            _ => {}
        }
        outcome
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
