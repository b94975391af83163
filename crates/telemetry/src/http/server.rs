//! The tower layer that gives each request of an axum router its SERVER span.
//!
//! It stands around the routes (`Router::layer`), where axum has already said
//! which route matched. Health checks live on routes without it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as Poller, Poll, ready};

use axum::body::Body;
use axum::extract::MatchedPath;
use http::{HeaderName, Request, Response};
use http_body::Body as _;
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use super::names::name;
use super::server_span::ServerSpan;
use super::traced_body::TracedBody;
use crate::propagation::Edge;

const TRACE_RESPONSE: HeaderName = HeaderName::from_static("traceresponse");

/// Makes one SERVER span and one log line a request, attaches its context while
/// the request is handled, and answers with `traceresponse`.
///
/// Follows the stable HTTP semantic conventions: the name is `{METHOD} {route}`,
/// and only a 5xx marks the span as failed. Malformed propagation headers start
/// a new trace and never fail a request.
///
/// Small, because axum copies a handler with its layer for each request.
#[derive(Clone, Debug)]
pub struct ServerLayer {
    edge: Edge,
    /// Whether proxies may stand in front, whose `X-Forwarded-*` headers are read.
    forwarded: bool,
}

impl ServerLayer {
    /// For routes that the world can reach: `edge` says what of a caller's
    /// trace and baggage is let in.
    pub fn public(edge: Edge) -> Self {
        Self {
            edge,
            forwarded: true,
        }
    }

    /// For routes that only the system's own services call: their trace is
    /// continued and their baggage goes on.
    pub fn internal() -> Self {
        Self {
            edge: Edge::trusted(),
            forwarded: false,
        }
    }

    /// Handles one request inside its span: what [`ServerService`] does, for
    /// whoever calls something other than a service.
    pub fn handle<B, F>(
        &self,
        request: Request<B>,
        handler: impl FnOnce(Request<B>) -> F,
    ) -> ResponseFuture<F> {
        let route = request
            .extensions()
            .get::<MatchedPath>()
            .map(MatchedPath::as_str);
        let named = name(request.method(), route);
        let span = ServerSpan::start(&request, named, &self.edge, self.forwarded);
        let attached = span.attach();
        let inner = handler(request);
        drop(attached);
        ResponseFuture {
            inner,
            span: Some(span),
        }
    }
}

impl<S> Layer<S> for ServerLayer {
    type Service = ServerService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ServerService {
            inner,
            layer: self.clone(),
        }
    }
}

/// The service that [`ServerLayer`] makes.
#[derive(Clone, Debug)]
pub struct ServerService<S> {
    inner: S,
    layer: ServerLayer,
}

impl<S, B> Service<Request<B>> for ServerService<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, poller: &mut Poller<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(poller)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.layer
            .handle(request, |request| self.inner.call(request))
    }
}

/// How the handling of a request ends: with an answer, as axum's handlers do, or
/// with the result of a service, which can fail.
pub trait Outcome {
    /// The outcome that is this answer.
    fn answer(response: Response<Body>) -> Self;

    /// The answer, where there is one.
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
    /// A request being handled inside its span.
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

    fn poll(self: Pin<&mut Self>, poller: &mut Poller<'_>) -> Poll<F::Output> {
        let this = self.project();
        let attached = this.span.as_ref().map(ServerSpan::attach);
        let progress = this.inner.poll(poller);
        drop(attached);
        // Changed where it is: an answer is large to move.
        let mut outcome = ready!(progress);
        let span = this.span.take();
        if let (Some(response), Some(mut span)) = (outcome.response_mut(), span) {
            span.answered(response.status());
            if let Some(value) = span.trace_response() {
                response.headers_mut().insert(TRACE_RESPONSE, value);
            }
            end_with_body(response, span);
        }
        Poll::Ready(outcome)
    }
}

/// Ends the span now when the whole answer is at hand, else with its last byte.
fn end_with_body(response: &mut Response<Body>, span: ServerSpan) {
    let body = response.body_mut();
    if body.size_hint().exact().is_some() {
        span.end();
    } else {
        *body = Body::new(TracedBody::new(std::mem::take(body), span));
    }
}
