//! The life of one SERVER span. It starts with the request and ends once: with
//! the response, with the last byte of a streamed body, or when the request is
//! dropped because the client disconnected or the handler panicked.

use std::time::Instant;

use axum::extract::MatchedPath;
use http::{HeaderValue, Request, StatusCode};
use opentelemetry::trace::{Link, SpanBuilder, SpanKind, Status, TraceContextExt};
use opentelemetry::{Context, ContextGuard, KeyValue};
use opentelemetry_semantic_conventions::attribute as key;

use super::access_log::AccessLog;
use super::request_attributes;
use super::span_name::{known_method, span_name};
use crate::global;
use crate::propagation::{self, Accepted, Edge, HeaderExtractor, traceresponse};
use crate::sampling::{self, SamplingHint};
use crate::tracer::Tracer;
use crate::unfinished::{self, CANCELLED};

/// The span and the log line of a request that is being handled.
pub(crate) struct ServerSpan {
    /// With `OTEL_SDK_DISABLED`, this is the caller's context: what is recorded on
    /// its remote span has no effect.
    context: Context,
    log: AccessLog,
    status: Option<StatusCode>,
    ended: bool,
}

impl ServerSpan {
    /// Starts the span of a request.
    pub(crate) fn start<B>(request: &Request<B>, edge: &Edge, trusted_proxies: usize) -> Self {
        let accepted = edge.accept(propagation::extract(&HeaderExtractor(request.headers())));
        let log = AccessLog {
            method: known_method(request.method()),
            route: request.extensions().get::<MatchedPath>().cloned(),
            uri: request.uri().clone(),
            started_at: Instant::now(),
        };
        let context = match global::tracer() {
            Some(tracer) => {
                let route = log.route.as_ref().map(MatchedPath::as_str);
                let attributes = || request_attributes::of_request(request, route, trusted_proxies);
                let name = span_name(log.method, route);
                start_span(tracer, name, &accepted, attributes)
            }
            None => accepted.context,
        };
        Self {
            context,
            log,
            status: None,
            ended: false,
        }
    }

    /// Makes the span current until the guard is dropped.
    pub(crate) fn attach(&self) -> ContextGuard {
        self.context.clone().attach()
    }

    /// `traceresponse` of this request; `None` without a span of this process.
    pub(crate) fn trace_response(&self) -> Option<HeaderValue> {
        traceresponse::header(&self.context)
    }

    /// Records the response's status. Only a 5xx is an error of a SERVER span.
    pub(crate) fn record_status(&mut self, status: StatusCode) {
        self.status = Some(status);
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

    /// Ends the span of a request that failed without a complete response.
    pub(crate) fn end_with_error(mut self, error_type: &'static str) {
        self.finish(Some(error_type));
    }

    fn finish(&mut self, error_type: Option<&'static str>) {
        self.ended = true;
        let span = self.context.span();
        if let Some(error_type) = error_type {
            span.set_attribute(KeyValue::new(key::ERROR_TYPE, error_type));
            // A client that disconnects is not an error of the server.
            if error_type != CANCELLED {
                span.set_status(Status::error(""));
            }
        }
        span.end();
        let attached = self.attach();
        self.log.write(self.status, error_type);
        drop(attached);
    }
}

impl Drop for ServerSpan {
    fn drop(&mut self) {
        if !self.ended {
            self.finish(Some(unfinished::error_type()));
        }
    }
}

fn start_span(
    tracer: &Tracer,
    name: String,
    accepted: &Accepted,
    attributes: impl FnOnce() -> Vec<KeyValue>,
) -> Context {
    let mut builder = SpanBuilder::from_name(name).with_kind(SpanKind::Server);
    if let Some(caller) = &accepted.link {
        builder = builder.with_links(vec![Link::with_context(caller.clone())]);
    }
    let hint = SamplingHint::of(&accepted.context);
    sampling::start(tracer, builder, &accepted.context, hint, attributes)
}
