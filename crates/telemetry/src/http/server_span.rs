//! The life of one server span: started from the request, ended once, by the
//! response, by the end of a streaming body, or by a caller who went away.

use std::time::Instant;

use http::{HeaderValue, Request, StatusCode};
use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::{Link, SpanBuilder, SpanKind, Status, TraceContextExt};
use opentelemetry::{Context, ContextGuard, KeyValue};
use opentelemetry_semantic_conventions::attribute as key;

use super::access_log::{self, Exchange};
use super::names::{Named, known_method};
use super::{CANCELLED, request_attributes};
use crate::global;
use crate::propagation::traceresponse;
use crate::propagation::{Admitted, Edge};
use crate::sampling::SamplingHint;

/// A request being answered.
pub(crate) struct ServerSpan {
    context: Context,
    /// Whether the span is one of ours: with `OTEL_SDK_DISABLED` it is the caller's, if any.
    is_ours: bool,
    /// Whether there is anything in the context.
    carries: bool,
    exchange: Exchange,
    status: Option<StatusCode>,
    ended: bool,
}

impl ServerSpan {
    /// Starts the span of a request, as the edge's policy says.
    pub(crate) fn start<B>(
        request: &Request<B>,
        named: Named,
        edge: &Edge,
        forwarded: bool,
    ) -> Self {
        let admitted = edge.admit(crate::propagation::extract(request.headers()));
        let exchange = Exchange {
            method: known_method(request.method()),
            route: named.route,
            path: access_log::path(request.uri()),
            started: Instant::now(),
        };
        let tracer = global::tracer();
        let context = match tracer {
            Some(tracer) => {
                let attributes = || {
                    let mut attributes = request_attributes::of_request(request, named, forwarded);
                    add_baggage(&mut attributes, &admitted);
                    attributes
                };
                start_span(tracer, named.span, &admitted, attributes)
            }
            None => admitted.context,
        };
        let carries = context.has_active_span() || !context.baggage().is_empty();
        Self {
            context,
            is_ours: tracer.is_some(),
            carries,
            exchange,
            status: None,
            ended: false,
        }
    }

    /// Makes the span, or what the caller sent, current until the guard goes.
    pub(crate) fn attach(&self) -> Option<ContextGuard> {
        self.carries.then(|| self.context.clone().attach())
    }

    /// `traceresponse` of this request, where it has a trace.
    pub(crate) fn trace_response(&self) -> Option<HeaderValue> {
        self.is_ours
            .then(|| traceresponse::header(&self.context))
            .flatten()
    }

    /// Notes the answer's status. SERVER spans are failed by 5xx alone.
    pub(crate) fn answered(&mut self, status: StatusCode) {
        self.status = Some(status);
        if !self.is_ours {
            return;
        }
        let span = self.context.span();
        span.set_attribute(KeyValue::new(
            key::HTTP_RESPONSE_STATUS_CODE,
            i64::from(status.as_u16()),
        ));
        if status.is_server_error() {
            span.set_attribute(KeyValue::new(key::ERROR_TYPE, status.as_str().to_owned()));
            span.set_status(Status::error(""));
        }
    }

    /// Ends the span and writes the request's log line.
    pub(crate) fn end(mut self) {
        self.finish(None);
    }

    /// Ends the span of an answer that could not be sent whole.
    pub(crate) fn end_with_error(mut self, error_type: &'static str) {
        self.finish(Some(error_type));
    }

    fn finish(&mut self, error_type: Option<&'static str>) {
        self.ended = true;
        if self.is_ours {
            let span = self.context.span();
            if let Some(error_type) = error_type {
                span.set_attribute(KeyValue::new(key::ERROR_TYPE, error_type));
            }
            span.end();
        }
        if self.exchange.is_logged(self.status, error_type) {
            let attached = self.attach();
            self.exchange.log(self.status, error_type);
            drop(attached);
        }
    }
}

impl Drop for ServerSpan {
    fn drop(&mut self) {
        if !self.ended {
            self.finish(Some(CANCELLED));
        }
    }
}

fn start_span(
    tracer: &opentelemetry_sdk::trace::SdkTracer,
    name: &'static str,
    admitted: &Admitted,
    attributes: impl FnOnce() -> Vec<KeyValue>,
) -> Context {
    let hint = SamplingHint::of(&admitted.context);
    let mut builder = SpanBuilder::from_name(name).with_kind(SpanKind::Server);
    if let Some(caller) = &admitted.link {
        builder = builder.with_links(vec![Link::with_context(caller.clone())]);
    }
    crate::sampling::start(tracer, builder, &admitted.context, hint, attributes)
}

/// What the edge let in, under its own keys, as OpenTelemetry's baggage span
/// processor writes it. A key that the span uses itself is left alone: a caller
/// must not rewrite what we say of its request.
fn add_baggage(attributes: &mut Vec<KeyValue>, admitted: &Admitted) {
    let own = attributes.len();
    for (key, (value, _)) in &admitted.baggage {
        if attributes[..own].iter().all(|known| known.key != *key) {
            attributes.push(KeyValue::new(key.clone(), value.clone()));
        }
    }
}
