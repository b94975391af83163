//! What every route is guarded by, inside its span so that the span shows it:
//! limits on the request line and the body, and panics that become a 500.
//!
//! A request without a body costs a look at two lengths.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::handler::{Handler, Layered};
use http::{Request, Response, StatusCode, header};
use pin_project_lite::pin_project;
use telemetry::http::{ServerLayer, ServerService};
use tower::{Layer, Service};

use crate::body::{LimitedBody, Verdict};
use crate::{Settings, answer};

/// The longest path and query, in bytes; past it the answer is 414.
const MAX_URI: usize = 8 * 1024;

/// Gives what answers requests its spans and its guards: a handler by
/// [`Traced::handler`], a whole router by [`Router::layer`](axum::Router::layer).
///
/// The handler's way costs less: axum boxes what stands around a router's routes
/// once more for each request.
#[derive(Clone)]
pub struct Traced {
    spans: ServerLayer,
    guard: GuardLayer,
}

impl Traced {
    /// With the spans of this layer, and limits as the settings say.
    pub fn new(spans: ServerLayer, settings: &Settings) -> Self {
        let guard = GuardLayer {
            max_body: settings.max_body,
            body_timeout: settings.body_timeout,
        };
        Self { spans, guard }
    }

    /// The handler with its spans and guards, for a route or a fallback.
    pub fn handler<H, T, S>(&self, handler: H) -> Layered<Self, H, T, S>
    where
        H: Handler<T, S>,
        S: Clone + Send + Sync + 'static,
        T: 'static,
    {
        handler.layer(self.clone())
    }
}

impl<S> Layer<S> for Traced {
    type Service = ServerService<Guard<S>>;

    fn layer(&self, inner: S) -> Self::Service {
        self.spans.layer(self.guard.layer(inner))
    }
}

#[derive(Clone, Copy)]
struct GuardLayer {
    max_body: usize,
    body_timeout: Duration,
}

impl<S> Layer<S> for GuardLayer {
    type Service = Guard<S>;

    fn layer(&self, inner: S) -> Guard<S> {
        Guard {
            inner,
            limits: *self,
        }
    }
}

/// The service that [`Traced`] makes, inside its span.
#[derive(Clone)]
pub struct Guard<S> {
    inner: S,
    limits: GuardLayer,
}

impl<S> Service<Request<Body>> for Guard<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = GuardFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if path_length(&request) > MAX_URI {
            let status = StatusCode::URI_TOO_LONG;
            return GuardFuture::refused(answer::plain(status, "the path is too long"));
        }
        let (request, verdict) = if request.body().is_end_stream() {
            (request, None)
        } else if self.limits.announced_too_large(&request) {
            return GuardFuture::refused(too_large());
        } else {
            let (request, verdict) = self.limits.limited(request);
            (request, Some(verdict))
        };
        match catch_unwind(AssertUnwindSafe(|| self.inner.call(request))) {
            Ok(inner) => GuardFuture {
                inner: Some(inner),
                verdict,
                refusal: None,
            },
            Err(panic) => GuardFuture::refused(panicked(panic.as_ref())),
        }
    }
}

impl GuardLayer {
    /// Whether there is no need to read a body to see that it is too large.
    fn announced_too_large(self, request: &Request<Body>) -> bool {
        let announced = request.headers().get(header::CONTENT_LENGTH);
        let announced = announced.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        announced.is_some_and(|length| length > self.max_body as u64)
    }

    fn limited(self, request: Request<Body>) -> (Request<Body>, Arc<Verdict>) {
        let verdict = Arc::<Verdict>::default();
        let shared = Arc::clone(&verdict);
        let limited = |body| LimitedBody::new(body, self.max_body, self.body_timeout, shared);
        (request.map(|body| Body::new(limited(body))), verdict)
    }
}

fn path_length(request: &Request<Body>) -> usize {
    let path = request.uri().path_and_query();
    path.map_or(0, |path| path.as_str().len())
}

pin_project! {
    /// A request behind the guard.
    pub struct GuardFuture<F> {
        #[pin]
        inner: Option<F>,
        verdict: Option<Arc<Verdict>>,
        refusal: Option<Response<Body>>,
    }
}

impl<F> GuardFuture<F> {
    fn refused(response: Response<Body>) -> Self {
        Self {
            inner: None,
            verdict: None,
            refusal: Some(response),
        }
    }
}

impl<F, E> Future for GuardFuture<F>
where
    F: Future<Output = Result<Response<Body>, E>>,
{
    type Output = Result<Response<Body>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(inner) = this.inner.as_pin_mut() else {
            let refusal = this.refusal.take();
            return Poll::Ready(Ok(refusal.expect("a future is not polled after its end")));
        };
        // Set from inside: an answer that is handed out of `catch_unwind` is moved twice.
        let mut polled = Poll::Pending;
        let caught = catch_unwind(AssertUnwindSafe(|| polled = inner.poll(cx)));
        if let Err(panic) = caught {
            polled = Poll::Ready(Ok(panicked(panic.as_ref())));
        }
        match this.verdict {
            // The handler knows only that the body could not be read; the client is told why.
            Some(verdict) if polled.is_ready() && verdict.too_large() => {
                Poll::Ready(Ok(too_large()))
            }
            Some(verdict) if polled.is_ready() && verdict.too_slow() => {
                let status = StatusCode::REQUEST_TIMEOUT;
                Poll::Ready(Ok(answer::plain(
                    status,
                    "the body did not come in in time",
                )))
            }
            _ => polled,
        }
    }
}

fn too_large() -> Response<Body> {
    answer::plain(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large")
}

fn panicked(panic: &(dyn Any + Send)) -> Response<Body> {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    tracing::error!(panic = message, "a handler panicked");
    answer::plain(StatusCode::INTERNAL_SERVER_ERROR, "internal error")
}
