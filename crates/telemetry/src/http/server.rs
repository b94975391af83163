//! The tower layer that makes the SERVER span of each request.
//!
//! It belongs around the routes (`Router::layer`), where axum has already
//! matched the route. Health checks live on routes without it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use http::{HeaderName, Method, Request, Response};
use http_body::Body;
use opentelemetry::Context;
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use super::probes::{self, Probes};
use super::server_span::ServerSpan;
use super::traced_body::TracedBody;
use crate::propagation::{self, Edge, HeaderExtractor};

const TRACE_RESPONSE: HeaderName = HeaderName::from_static("traceresponse");

/// Makes one SERVER span and one log line per request, attaches the span's
/// context while the request is handled, and adds `traceresponse` to the response.
///
/// Works with every HTTP service: any request body, any response body. In an
/// axum router, `http.route` is the path that matched.
///
/// Follows the stable HTTP semantic conventions: the name is `{METHOD} {route}`,
/// and only a 5xx, a failed body or a panic sets the span's status to Error.
/// Malformed propagation headers start a new trace and never fail a request.
#[derive(Clone, Debug)]
pub struct ServerLayer {
    edge: Edge,
    trusted_proxies: usize,
    /// `None` if there are none.
    probes: Option<Arc<Probes>>,
}

impl ServerLayer {
    /// For routes that external callers can reach: `edge` decides which part of
    /// a caller's trace and baggage is accepted.
    pub fn public(edge: Edge) -> Self {
        Self {
            edge,
            trusted_proxies: 1,
            probes: None,
        }
    }

    /// The number of proxies between the clients and this service; 1 by default for
    /// public routes, and 0 for internal ones.
    ///
    /// `client.address` is what the farthest of them reports in `X-Forwarded-For`, or
    /// in `Forwarded` if that header is missing. `url.scheme` and `server.address` are
    /// those of the original request, as `X-Forwarded-Proto` and `X-Forwarded-Host`, or
    /// `Forwarded`, report them. With 0, these headers are ignored.
    pub fn trusted_proxies(self, trusted_proxies: usize) -> Self {
        Self {
            trusted_proxies,
            ..self
        }
    }

    /// The requests that make no span and no log line; none by default.
    pub fn probes(self, probes: Probes) -> Self {
        let probes = (!probes.is_empty()).then(|| Arc::new(probes));
        Self { probes, ..self }
    }

    /// For routes that only the system's own services call: their trace is
    /// continued, and all their baggage is accepted.
    pub fn internal() -> Self {
        Self {
            edge: Edge::trusted(),
            trusted_proxies: 0,
            probes: None,
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

impl<S, RequestBody, ResponseBody> Service<Request<RequestBody>> for ServerService<S>
where
    S: Service<Request<RequestBody>, Response = Response<ResponseBody>>,
    ResponseBody: Body,
{
    type Response = Response<TracedBody<ResponseBody>>;
    type Error = S::Error;
    type Future = ServerFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        let ServerLayer {
            edge,
            trusted_proxies,
            probes,
        } = &self.layer;
        if probes
            .as_ref()
            .is_some_and(|probes| probes.contain(&request))
        {
            let caller = propagation::extract(&HeaderExtractor(request.headers()));
            let context = probes::unsampled(&edge.accept(caller).context);
            let attached = context.clone().attach();
            let inner = self.inner.call(request);
            drop(attached);
            return ServerFuture {
                inner,
                span: None,
                probe: Some(context),
                is_head: false,
            };
        }
        let span = ServerSpan::start(&request, edge, *trusted_proxies);
        let is_head = request.method() == Method::HEAD;
        let attached = span.attach();
        let inner = self.inner.call(request);
        drop(attached);
        ServerFuture {
            inner,
            span: Some(span),
            probe: None,
            is_head,
        }
    }
}

pin_project! {
    /// A request that is handled inside its span, or a probe.
    pub struct ServerFuture<F> {
        #[pin]
        inner: F,
        span: Option<ServerSpan>,
        probe: Option<Context>,
        is_head: bool,
    }
}

impl<F, B, E> Future for ServerFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
{
    type Output = Result<Response<TracedBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.project();
        // On the stack while the request is handled; see `unfinished::error_type`.
        let span = this.span.take();
        let attached = match &span {
            Some(span) => Some(span.attach()),
            None => this.probe.clone().map(Context::attach),
        };
        let progress = this.inner.poll(cx);
        drop(attached);
        match (progress, span) {
            (Poll::Ready(Ok(response)), Some(span)) => {
                Poll::Ready(Ok(finish(response, span, *this.is_head)))
            }
            (Poll::Ready(Err(error)), Some(span)) => {
                span.end_with_error("_OTHER");
                Poll::Ready(Err(error))
            }
            (progress, span) => {
                *this.span = span;
                progress.map_ok(|response| response.map(TracedBody::untraced))
            }
        }
    }
}

/// Records the response. The span ends now if the body is complete or is never
/// sent (HEAD); otherwise it ends with the body's last byte.
fn finish<B: Body>(
    mut response: Response<B>,
    mut span: ServerSpan,
    is_head: bool,
) -> Response<TracedBody<B>> {
    span.record_status(response.status());
    if let Some(value) = span.trace_response() {
        response.headers_mut().insert(TRACE_RESPONSE, value);
    }
    if is_head || response.body().size_hint().exact().is_some() {
        span.end();
        response.map(TracedBody::untraced)
    } else {
        response.map(|body| TracedBody::traced(body, span))
    }
}
