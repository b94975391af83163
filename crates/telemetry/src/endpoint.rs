//! One INTERNAL span for an endpoint: the request as the business sees it,
//! inside the transport's span, as Go kit's tracing endpoint middleware makes it.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Poller, Poll, ready};

use opentelemetry::trace::{SpanBuilder, SpanKind, Status, TraceContextExt};
use opentelemetry::{Context, ContextGuard, KeyValue};
use opentelemetry_semantic_conventions::attribute as key;
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::global;
use crate::http::CANCELLED;
use crate::sampling::{self, SamplingHint};

/// What an endpoint's error tells its span.
///
/// `Display` goes into the span as `exception.message`: write it without
/// credentials and without what a caller sent in confidence.
pub trait EndpointError: std::error::Error {
    /// `error.type`: a name from a small, fixed set.
    fn error_type(&self) -> Cow<'static, str>;

    /// Whether this is an answer of the business ("no such visitor") and not a
    /// failure: it is recorded as an event, and the span is not marked as failed.
    fn is_business(&self) -> bool {
        false
    }
}

type NameOf<Req> = dyn Fn(&Req) -> Cow<'static, str> + Send + Sync;
type AttributesOf<Req> = dyn Fn(&Req) -> Vec<KeyValue> + Send + Sync;

/// Gives each call of an endpoint its span.
///
/// Wants a [`tower::Service`] whose error is an [`EndpointError`]. The error is
/// recorded as an `exception` event with `exception.type` and
/// `exception.message`; retries that the traced client makes inside are `retry`
/// events on this span.
pub struct EndpointLayer<Req> {
    options: Arc<Options<Req>>,
}

struct Options<Req> {
    name: &'static str,
    name_of: Option<Box<NameOf<Req>>>,
    attributes_of: Option<Box<AttributesOf<Req>>>,
}

impl<Req> EndpointLayer<Req> {
    /// An endpoint whose spans are named `name`.
    pub fn new(name: &'static str) -> Self {
        Self {
            options: Arc::new(Options {
                name,
                name_of: None,
                attributes_of: None,
            }),
        }
    }

    /// Computes the operation's name from the request; keep the set of names small.
    pub fn name_from(
        self,
        name_of: impl Fn(&Req) -> Cow<'static, str> + Send + Sync + 'static,
    ) -> Self {
        self.with(|options| options.name_of = Some(Box::new(name_of)))
    }

    /// Computes attributes from the request, for spans that are recorded.
    pub fn attributes(
        self,
        attributes_of: impl Fn(&Req) -> Vec<KeyValue> + Send + Sync + 'static,
    ) -> Self {
        self.with(|options| options.attributes_of = Some(Box::new(attributes_of)))
    }

    fn with(mut self, change: impl FnOnce(&mut Options<Req>)) -> Self {
        let options =
            Arc::get_mut(&mut self.options).expect("a layer is configured before it is used");
        change(options);
        self
    }
}

impl<Req> Clone for EndpointLayer<Req> {
    fn clone(&self) -> Self {
        Self {
            options: Arc::clone(&self.options),
        }
    }
}

impl<S, Req> Layer<S> for EndpointLayer<Req> {
    type Service = EndpointService<S, Req>;

    fn layer(&self, inner: S) -> Self::Service {
        EndpointService {
            inner,
            options: Arc::clone(&self.options),
        }
    }
}

/// The service that [`EndpointLayer`] makes.
pub struct EndpointService<S, Req> {
    inner: S,
    options: Arc<Options<Req>>,
}

impl<S: Clone, Req> Clone for EndpointService<S, Req> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            options: Arc::clone(&self.options),
        }
    }
}

impl<S, Req> Service<Req> for EndpointService<S, Req>
where
    S: Service<Req>,
    S::Error: EndpointError,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = EndpointFuture<S::Future>;

    fn poll_ready(&mut self, poller: &mut Poller<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(poller)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let span = EndpointSpan::start(&self.options, &request);
        let attached = span.attach();
        let inner = self.inner.call(request);
        drop(attached);
        EndpointFuture { inner, span }
    }
}

pin_project! {
    /// An endpoint's call inside its span.
    pub struct EndpointFuture<F> {
        #[pin]
        inner: F,
        span: EndpointSpan,
    }
}

impl<F, T, E> Future for EndpointFuture<F>
where
    F: Future<Output = Result<T, E>>,
    E: EndpointError,
{
    type Output = Result<T, E>;

    fn poll(self: Pin<&mut Self>, poller: &mut Poller<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let attached = this.span.attach();
        let progress = this.inner.poll(poller);
        drop(attached);
        let outcome = ready!(progress);
        this.span.end(outcome.as_ref().err());
        Poll::Ready(outcome)
    }
}

struct EndpointSpan {
    /// `None` where no span is made: then the caller's context is current anyway,
    /// and after the end.
    context: Option<Context>,
}

impl EndpointSpan {
    fn start<Req>(options: &Options<Req>, request: &Req) -> Self {
        let Some(tracer) = global::tracer() else {
            return Self { context: None };
        };
        let parent = Context::current();
        let hint = SamplingHint::of(&parent);
        let name = match &options.name_of {
            Some(name_of) if hint != SamplingHint::Drop => name_of(request),
            _ => Cow::Borrowed(options.name),
        };
        let attributes = || {
            options
                .attributes_of
                .as_ref()
                .map_or_else(Vec::new, |of| of(request))
        };
        let builder = SpanBuilder::from_name(name).with_kind(SpanKind::Internal);
        let context = sampling::start(tracer, builder, &parent, hint, attributes);
        Self {
            context: Some(context),
        }
    }

    /// Makes the span current until the guard goes.
    fn attach(&self) -> Option<ContextGuard> {
        self.context.clone().map(Context::attach)
    }

    fn end<E: EndpointError>(&mut self, error: Option<&E>) {
        let Some(context) = self.context.take() else {
            return;
        };
        let span = context.span();
        if let Some(error) = error.filter(|_| span.is_recording()) {
            let error_type = error.error_type();
            span.add_event(
                "exception",
                vec![
                    KeyValue::new(key::EXCEPTION_TYPE, error_type.clone()),
                    KeyValue::new(key::EXCEPTION_MESSAGE, error.to_string()),
                ],
            );
            if !error.is_business() {
                span.set_attribute(KeyValue::new(key::ERROR_TYPE, error_type));
                span.set_status(Status::error(error.to_string()));
            }
        }
        span.end();
    }
}

impl Drop for EndpointSpan {
    fn drop(&mut self) {
        if let Some(context) = &self.context {
            let span = context.span();
            span.set_attribute(KeyValue::new(key::ERROR_TYPE, CANCELLED));
            span.end();
        }
    }
}
