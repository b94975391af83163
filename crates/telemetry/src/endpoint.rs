//! One INTERNAL span per call of an endpoint, as Go kit's tracing endpoint
//! middleware makes it: the request in terms of the business, inside the
//! transport's span.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use opentelemetry::trace::{SpanBuilder, SpanKind, Status, TraceContextExt};
use opentelemetry::{Context, ContextGuard, KeyValue};
use opentelemetry_semantic_conventions::attribute as key;
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::global;
use crate::sampling::{self, SamplingHint};
use crate::unfinished::{self, PANIC};

/// What an endpoint's span records about an error.
///
/// `Display` is recorded as `exception.message`: it must not contain credentials
/// or a caller's confidential data.
pub trait EndpointError: std::error::Error {
    /// `error.type`: a name from a small, fixed set.
    fn error_type(&self) -> Cow<'static, str>;

    /// Whether this error is a normal result of the business ("no such visitor"):
    /// it is recorded as an event, and the span's status stays unset.
    fn is_business(&self) -> bool {
        false
    }
}

type NameOf<Req> = dyn Fn(&Req) -> Cow<'static, str> + Send + Sync;
type AttributesOf<Req> = dyn Fn(&Req) -> Vec<KeyValue> + Send + Sync;

/// Makes one span per call of an endpoint.
///
/// The endpoint is a [`tower::Service`] whose error is an [`EndpointError`]. The
/// error is recorded as an `exception` event with `exception.type` and
/// `exception.message`; each retry that the traced client makes inside is a
/// `retry` event on this span.
pub struct EndpointLayer<Req> {
    options: Arc<Options<Req>>,
}

struct Options<Req> {
    name: &'static str,
    name_of: Option<Box<NameOf<Req>>>,
    attributes_of: Option<Box<AttributesOf<Req>>>,
}

impl<Req> EndpointLayer<Req> {
    /// A layer whose spans are named `name`.
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

    /// Computes attributes from the request; called only for spans that are recorded.
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

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let span = EndpointSpan::start(&self.options, &request);
        let attached = span.as_ref().map(EndpointSpan::attach);
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
        span: Option<EndpointSpan>,
    }
}

impl<F, T, E> Future for EndpointFuture<F>
where
    F: Future<Output = Result<T, E>>,
    E: EndpointError,
{
    type Output = Result<T, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.project();
        // On the stack while the endpoint works; see `unfinished::error_type`.
        let span = this.span.take();
        let attached = span.as_ref().map(EndpointSpan::attach);
        let progress = this.inner.poll(cx);
        drop(attached);
        match (&progress, span) {
            (Poll::Ready(result), Some(span)) => span.end(result.as_ref().err()),
            (_, span) => *this.span = span,
        }
        progress
    }
}

struct EndpointSpan {
    context: Context,
    ended: bool,
}

impl EndpointSpan {
    /// `None` if this process makes no spans: the caller's context stays current.
    fn start<Req>(options: &Options<Req>, request: &Req) -> Option<Self> {
        let tracer = global::tracer()?;
        let parent = Context::current();
        let hint = SamplingHint::of(&parent);
        let name = match &options.name_of {
            Some(name_of) if hint != SamplingHint::Drop => name_of(request),
            _ => Cow::Borrowed(options.name),
        };
        let attributes = || match &options.attributes_of {
            Some(attributes_of) => attributes_of(request),
            None => Vec::new(),
        };
        let builder = SpanBuilder::from_name(name).with_kind(SpanKind::Internal);
        let context = sampling::start(tracer, builder, &parent, hint, attributes);
        let ended = false;
        Some(Self { context, ended })
    }

    /// Makes the span current until the guard is dropped.
    fn attach(&self) -> ContextGuard {
        self.context.clone().attach()
    }

    fn end<E: EndpointError>(mut self, error: Option<&E>) {
        self.ended = true;
        let span = self.context.span();
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
        if !self.ended {
            let span = self.context.span();
            let error_type = unfinished::error_type();
            span.set_attribute(KeyValue::new(key::ERROR_TYPE, error_type));
            if error_type == PANIC {
                span.set_status(Status::error("the endpoint panicked"));
            }
            span.end();
        }
    }
}
