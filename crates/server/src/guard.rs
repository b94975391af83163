//! What every route is guarded by, inside its span so that the span shows it:
//! limits on the request line and the body, and panics that become a 500.
//!
//! A request without a body costs a look at two lengths.

use std::any::Any;
use std::future::Future;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use http::{Request, Response, StatusCode, header};
use pin_project_lite::pin_project;
use telemetry::http::{Outcome, ServerLayer};
use tower::{Layer, Service, ServiceBuilder};

use crate::body::{LimitedBody, Verdict};
use crate::{Config, response};

/// The longest path and query, in bytes; past it the answer is 414.
const MAX_URI: usize = 8 * 1024;

/// Adds the middleware that every route needs: its span, limits for the path and
/// the body, and a 500 for a panic.
pub fn with_middleware(routes: Router, spans: ServerLayer, config: &Config) -> Router {
    let guard = GuardLayer {
        max_body: config.max_body,
        body_timeout: config.body_timeout,
    };
    routes.layer(ServiceBuilder::new().layer(spans).layer(guard))
}

#[derive(Clone, Copy, Debug)]
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

#[derive(Clone)]
struct Guard<S> {
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
        self.limits
            .handle(request, |request| self.inner.call(request))
    }
}

impl GuardLayer {
    /// Handles one request behind the guard.
    fn handle<F>(
        self,
        mut request: Request<Body>,
        handler: impl FnOnce(Request<Body>) -> F,
    ) -> GuardFuture<F> {
        if path_length(&request) > MAX_URI {
            let status = StatusCode::URI_TOO_LONG;
            return GuardFuture::refused(response::text_error(status, "the path is too long"));
        }
        let mut verdict = None;
        if !request.body().is_end_stream() {
            if self.announced_too_large(&request) {
                return GuardFuture::refused(too_large());
            }
            verdict = Some(self.limit(request.body_mut()));
        }
        match catch_unwind(AssertUnwindSafe(|| handler(request))) {
            Ok(inner) => GuardFuture::Handled { inner, verdict },
            Err(panic) => GuardFuture::refused(panicked(panic.as_ref())),
        }
    }

    /// Whether there is no need to read a body to see that it is too large.
    fn announced_too_large(self, request: &Request<Body>) -> bool {
        let announced = request.headers().get(header::CONTENT_LENGTH);
        let announced = announced.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        announced.is_some_and(|length| length > self.max_body as u64)
    }

    fn limit(self, body: &mut Body) -> Arc<Verdict> {
        let verdict = Arc::<Verdict>::default();
        let inner = mem::take(body);
        let shared = Arc::clone(&verdict);
        *body = Body::new(LimitedBody::new(
            inner,
            self.max_body,
            self.body_timeout,
            shared,
        ));
        verdict
    }
}

fn path_length(request: &Request<Body>) -> usize {
    let path = request.uri().path_and_query();
    path.map_or(0, |path| path.as_str().len())
}

pin_project! {
    /// A request behind the guard.
    #[project = GuardProjection]
    enum GuardFuture<F> {
        /// It is being handled.
        Handled {
            #[pin]
            inner: F,
            verdict: Option<Arc<Verdict>>,
        },
        /// It is answered by the guard.
        Refused { answer: Option<Box<Response<Body>>> },
    }
}

impl<F> GuardFuture<F> {
    fn refused(answer: Response<Body>) -> Self {
        Self::Refused {
            answer: Some(Box::new(answer)),
        }
    }
}

impl<F> Future for GuardFuture<F>
where
    F: Future<Output: Outcome>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let (inner, verdict) = match self.project() {
            GuardProjection::Handled { inner, verdict } => (inner, verdict),
            GuardProjection::Refused { answer } => {
                let answer = answer.take().expect("a future is not polled after its end");
                return Poll::Ready(Outcome::answer(*answer));
            }
        };
        // Set from inside: an answer that is handed out of `catch_unwind` is moved twice.
        let mut polled = Poll::Pending;
        let caught = catch_unwind(AssertUnwindSafe(|| polled = inner.poll(cx)));
        if let Err(panic) = caught {
            polled = Poll::Ready(Outcome::answer(panicked(panic.as_ref())));
        }
        match verdict {
            // The handler knows only that the body could not be read; the client is told why.
            Some(verdict) if polled.is_ready() && verdict.too_large() => {
                Poll::Ready(Outcome::answer(too_large()))
            }
            Some(verdict) if polled.is_ready() && verdict.too_slow() => {
                Poll::Ready(Outcome::answer(too_slow()))
            }
            _ => polled,
        }
    }
}

fn too_large() -> Response<Body> {
    response::text_error(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large")
}

fn too_slow() -> Response<Body> {
    let status = StatusCode::REQUEST_TIMEOUT;
    response::text_error(status, "the body did not come in in time")
}

fn panicked(panic: &(dyn Any + Send)) -> Response<Body> {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    tracing::error!(panic = message, "a handler panicked");
    response::text_error(StatusCode::INTERNAL_SERVER_ERROR, "internal error")
}
