//! CLIENT spans, one per attempt of a call.
//!
//! reqwest-tracing's middleware calls [`ClientSpans`] when an attempt starts and
//! ends. The span itself is made with the OpenTelemetry API, and the `tracing` span
//! that the middleware wants is `Span::none()`. The direct way, to return a
//! `tracing` span for tracing-opentelemetry to export, was tried and is worse:
//!
//! - reqwest-tracing supports OpenTelemetry 0.32 and older. With a newer version it
//!   compiles and splits every trace in two, so its propagation must stay off anyway.
//! - Its spans record `http.response.status_code` and `server.port` as strings and
//!   never set `error.type`; the semantic conventions require integers and `error.type`.
//! - It costs more. In a prototype, a request whose spans were all `tracing` spans
//!   took 2.1 times the instructions of an untraced request; with spans of the
//!   OpenTelemetry API it took 1.7 times.

use std::borrow::Cow;
use std::sync::Arc;

use http::Extensions;
use opentelemetry::trace::{SpanBuilder, SpanKind, Status, TraceContextExt};
use opentelemetry::{Context, KeyValue};
use opentelemetry_semantic_conventions::attribute as key;
use reqwest::{Request, Response, Url};
use reqwest_middleware::Result;
use reqwest_tracing::ReqwestOtelSpanBackend;

use super::call_error::CallError;
use super::request_attributes::protocol_version;
use super::span_name::{known_method, span_name};
use crate::global;
use crate::sampling::{self, SamplingHint};
use crate::unfinished;

/// `url.template`, in development in the conventions: the route in the span's name.
const URL_TEMPLATE: &str = "url.template";

/// The template of a call's path, for the span's name and `url.template`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route(pub &'static str);

/// The span of one attempt. It stays in the extensions of the call's request
/// until the next attempt, which reads its number and its failure.
#[derive(Clone)]
pub(crate) struct ClientSpan {
    span: Arc<EndOnDrop>,
    attempt: i64,
    failure: Option<Cow<'static, str>>,
}

impl ClientSpan {
    /// The context that the request must carry.
    pub(crate) fn context(&self) -> Context {
        self.span.0.clone()
    }

    /// Records the response's status and version, before its body is received.
    pub(crate) fn record_head(&self, response: &Response) {
        let span = self.span.0.span();
        let status = i64::from(response.status().as_u16());
        span.set_attribute(KeyValue::new(key::HTTP_RESPONSE_STATUS_CODE, status));
        if let Some(version) = protocol_version(response.version()) {
            span.set_attribute(KeyValue::new(key::NETWORK_PROTOCOL_VERSION, version));
        }
    }
}

/// Ends the span if the call is dropped before it has a result.
struct EndOnDrop(Context);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        let span = self.0.span();
        // A span that has ended does not record.
        if span.is_recording() {
            span.set_attribute(KeyValue::new(key::ERROR_TYPE, unfinished::error_type()));
            span.set_status(Status::error("the call was dropped by its caller"));
            span.end();
        }
    }
}

/// The backend of reqwest-tracing's middleware.
pub(crate) struct ClientSpans;

impl ReqwestOtelSpanBackend for ClientSpans {
    fn on_request_start(request: &Request, extensions: &mut Extensions) -> tracing::Span {
        let Some(tracer) = global::tracer() else {
            return tracing::Span::none();
        };
        let parent = Context::current();
        let previous = extensions.get::<ClientSpan>();
        let attempt = previous.map_or(0, |previous| previous.attempt + 1);
        if let Some(failure) = previous.and_then(|previous| previous.failure.clone()) {
            add_retry_event(&parent, attempt, failure);
        }
        let route = extensions.get::<Route>().map(|route| route.0);
        let name = span_name(known_method(request.method()), route);
        let builder = SpanBuilder::from_name(name).with_kind(SpanKind::Client);
        let attributes = || of_request(request, route, attempt);
        let context = sampling::start(
            tracer,
            builder,
            &parent,
            SamplingHint::of(&parent),
            attributes,
        );
        extensions.insert(ClientSpan {
            span: Arc::new(EndOnDrop(context)),
            attempt,
            failure: None,
        });
        tracing::Span::none()
    }

    fn on_request_end(_: &tracing::Span, result: &Result<Response>, extensions: &mut Extensions) {
        let Some(client_span) = extensions.get_mut::<ClientSpan>() else {
            return;
        };
        let span = client_span.span.0.span();
        let failure = match result {
            Ok(response) => {
                let status = response.status();
                (status.is_client_error() || status.is_server_error())
                    .then(|| (Cow::Owned(status.as_str().to_owned()), String::new()))
            }
            Err(error) => {
                let error = CallError::of(error);
                Some((error.error_type(), error.to_string()))
            }
        };
        if let Some((error_type, description)) = failure {
            span.set_attribute(KeyValue::new(key::ERROR_TYPE, error_type.clone()));
            span.set_status(Status::error(description));
            client_span.failure = Some(error_type);
        }
        client_span.span.0.span().end();
    }
}

/// Records a retry as an event of the span that makes the call, as Go kit's
/// tracing endpoint middleware does.
fn add_retry_event(parent: &Context, attempt: i64, failure: Cow<'static, str>) {
    let attributes = vec![
        KeyValue::new(key::HTTP_REQUEST_RESEND_COUNT, attempt),
        KeyValue::new(key::ERROR_TYPE, failure),
    ];
    parent.span().add_event("retry", attributes);
}

fn of_request(request: &Request, route: Option<&'static str>, attempt: i64) -> Vec<KeyValue> {
    // Room for everything below, and for status code and version at the end.
    let mut attributes = Vec::with_capacity(10);
    let method = known_method(request.method());
    attributes.push(KeyValue::new(key::HTTP_REQUEST_METHOD, method));
    if method == "_OTHER" {
        let original = request.method().as_str().to_owned();
        attributes.push(KeyValue::new(key::HTTP_REQUEST_METHOD_ORIGINAL, original));
    }
    let url = request.url();
    if let Some(host) = url.host_str() {
        // A URL has an IPv6 address in brackets.
        let host = host.trim_start_matches('[').trim_end_matches(']');
        attributes.push(KeyValue::new(key::SERVER_ADDRESS, host.to_owned()));
    }
    if let Some(port) = url.port_or_known_default() {
        attributes.push(KeyValue::new(key::SERVER_PORT, i64::from(port)));
    }
    attributes.push(KeyValue::new(key::URL_FULL, redacted(url)));
    let scheme = if url.scheme() == "https" {
        "https"
    } else {
        "http"
    };
    attributes.push(KeyValue::new(key::URL_SCHEME, scheme));
    if let Some(route) = route {
        attributes.push(KeyValue::new(URL_TEMPLATE, route));
    }
    if attempt > 0 {
        attributes.push(KeyValue::new(key::HTTP_REQUEST_RESEND_COUNT, attempt));
    }
    attributes
}

/// `url.full` without credentials, fragment and query values; the query's keys stay.
fn redacted(url: &Url) -> String {
    let plain = url.username().is_empty() && url.password().is_none();
    if plain && url.query().is_none() && url.fragment().is_none() {
        return url.as_str().to_owned();
    }
    let mut clean = url.clone();
    clean.set_fragment(None);
    // Both fail only for URLs without a host, and no call can have one.
    let _ = clean.set_username("");
    let _ = clean.set_password(None);
    clean.set_query(None);
    if url.query().is_some() {
        let mut pairs = clean.query_pairs_mut();
        for (key, _) in url.query_pairs() {
            pairs.append_pair(&key, "REDACTED");
        }
    }
    clean.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_full_contains_no_secret() {
        let url = "http://user:secret@hello:8090/greetings/Ada?token=secret&lang=de#secret"
            .parse()
            .unwrap();
        assert_eq!(
            redacted(&url),
            "http://hello:8090/greetings/Ada?token=REDACTED&lang=REDACTED"
        );
    }

    #[test]
    fn a_plain_url_is_unchanged() {
        let url = "http://hello:8090/greetings/W%C3%B6rld".parse().unwrap();
        assert_eq!(redacted(&url), "http://hello:8090/greetings/W%C3%B6rld");
    }
}
