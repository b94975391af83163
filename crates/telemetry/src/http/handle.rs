//! `ServerLayer::handle`, for `server::guard` until that uses the tower layer.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};

use axum::body::Body;
use http::{Request, Response};
use http_body::Body as _;
use pin_project_lite::pin_project;

use super::server::{ServerLayer, TRACE_RESPONSE};
use super::server_span::ServerSpan;
use super::traced_body::TracedBody;

impl ServerLayer {
    /// Handles one request inside its span.
    pub fn handle<B, F>(
        &self,
        request: Request<B>,
        handler: impl FnOnce(Request<B>) -> F,
    ) -> ResponseFuture<F> {
        let span = self.start_span(&request);
        let attached = span.attach();
        let inner = handler(request);
        drop(attached);
        ResponseFuture {
            inner,
            span: Some(span),
        }
    }
}

/// How the handling of a request ends.
pub trait Outcome {
    /// The outcome that is this response.
    fn answer(response: Response<Body>) -> Self;

    /// The response, if there is one.
    fn response_mut(&mut self) -> Option<&mut Response<Body>>;
}

impl Outcome for Response<Body> {
    fn answer(response: Response<Body>) -> Self {
        response
    }

    fn response_mut(&mut self) -> Option<&mut Response<Body>> {
        Some(self)
    }
}

impl<E> Outcome for Result<Response<Body>, E> {
    fn answer(response: Response<Body>) -> Self {
        Ok(response)
    }

    fn response_mut(&mut self) -> Option<&mut Response<Body>> {
        self.as_mut().ok()
    }
}

pin_project! {
    /// A request that is handled inside its span.
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        span: Option<ServerSpan>,
    }
}

impl<F> Future for ResponseFuture<F>
where
    F: Future<Output: Outcome>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<F::Output> {
        let this = self.project();
        let attached = this.span.as_ref().map(ServerSpan::attach);
        let progress = this.inner.poll(cx);
        drop(attached);
        let mut outcome = ready!(progress);
        if let (Some(response), Some(mut span)) = (outcome.response_mut(), this.span.take()) {
            span.record_status(response.status());
            if let Some(value) = span.trace_response() {
                response.headers_mut().insert(TRACE_RESPONSE, value);
            }
            let body = response.body_mut();
            if body.size_hint().exact().is_some() {
                span.end();
            } else {
                *body = Body::new(TracedBody::traced(std::mem::take(body), span));
            }
        }
        Poll::Ready(outcome)
    }
}
