//! CLIENT spans by way of reqwest-tracing: its middleware drives the life of a
//! span that the OpenTelemetry API makes, one for each attempt.

use std::borrow::Cow;

use http::Extensions;
use opentelemetry::trace::{SpanBuilder, SpanKind, Status, TraceContextExt};
use opentelemetry::{Context, KeyValue};
use opentelemetry_semantic_conventions::attribute as key;
use reqwest::{Request, Response, Url};
use reqwest_middleware::Result;
use reqwest_tracing::ReqwestOtelSpanBackend;

use super::names::{known_method, name};
use super::recent;
use super::request_attributes::protocol_version;
use super::{CANCELLED, CallError};
use crate::global;
use crate::sampling::{self, SamplingHint};

/// `url.template`, in development in the conventions: what the span's name is made of.
const URL_TEMPLATE: &str = "url.template";

/// The template of a call's path, for the span's name and `url.template`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route(pub &'static str);

/// One attempt of a call: kept in the request's extensions from one attempt to
/// the next, so that the next knows its number and why it is made.
#[derive(Clone)]
pub(crate) struct Attempt {
    context: Context,
    number: i64,
    failure: Option<Cow<'static, str>>,
}

impl Attempt {
    /// What the request must carry.
    pub(crate) fn context(&self) -> &Context {
        &self.context
    }

    /// Ends the span as cancelled if the call is dropped before it has an outcome.
    pub(crate) fn cancel_on_drop(self) -> CancelOnDrop {
        CancelOnDrop(Some(self.context))
    }
}

/// See [`Attempt::cancel_on_drop`].
pub(crate) struct CancelOnDrop(Option<Context>);

impl CancelOnDrop {
    /// The call has an outcome.
    pub(crate) fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        if let Some(context) = self.0.take().filter(|_| global::tracer().is_some()) {
            let span = context.span();
            span.set_attribute(KeyValue::new(key::ERROR_TYPE, CANCELLED));
            span.set_status(Status::error("the call was given up"));
            span.end();
        }
    }
}

/// The backend for reqwest-tracing's middleware.
pub(crate) struct ClientSpans;

impl ReqwestOtelSpanBackend for ClientSpans {
    fn on_request_start(request: &Request, extensions: &mut Extensions) -> tracing::Span {
        let Some(tracer) = global::tracer() else {
            return tracing::Span::none();
        };
        let parent = Context::current();
        let earlier = extensions.get::<Attempt>();
        let number = earlier.map_or(0, |earlier| earlier.number + 1);
        if let Some(failure) = earlier.and_then(|earlier| earlier.failure.clone()) {
            tell_parent_of_retry(&parent, number, failure);
        }
        let named = name(
            request.method(),
            extensions.get::<Route>().map(|route| route.0),
        );
        let builder = SpanBuilder::from_name(named.span).with_kind(SpanKind::Client);
        let attributes = || of_request(request, named.route, number);
        let context = sampling::start(
            tracer,
            builder,
            &parent,
            SamplingHint::of(&parent),
            attributes,
        );
        extensions.insert(Attempt {
            context,
            number,
            failure: None,
        });
        tracing::Span::none()
    }

    fn on_request_end(_: &tracing::Span, outcome: &Result<Response>, extensions: &mut Extensions) {
        let Some(attempt) = extensions
            .get_mut::<Attempt>()
            .filter(|_| global::tracer().is_some())
        else {
            return;
        };
        let span = attempt.context.span();
        let failure = match outcome {
            Ok(response) => {
                let status = response.status();
                span.set_attribute(KeyValue::new(
                    key::HTTP_RESPONSE_STATUS_CODE,
                    i64::from(status.as_u16()),
                ));
                if let Some(version) = protocol_version(response.version()) {
                    span.set_attribute(KeyValue::new(key::NETWORK_PROTOCOL_VERSION, version));
                }
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
            attempt.failure = Some(error_type);
        }
        attempt.context.span().end();
    }
}

/// Retries as events of the span that made the call, as Go kit's tracing
/// endpoint middleware writes them.
fn tell_parent_of_retry(parent: &Context, number: i64, failure: Cow<'static, str>) {
    let attributes = vec![
        KeyValue::new(key::HTTP_REQUEST_RESEND_COUNT, number),
        KeyValue::new(key::ERROR_TYPE, failure),
    ];
    parent.span().add_event("retry", attributes);
}

fn of_request(request: &Request, route: Option<&'static str>, number: i64) -> Vec<KeyValue> {
    // Enough for all below, and for status code and version at the end.
    let mut attributes = Vec::with_capacity(10);
    let method = known_method(request.method());
    attributes.push(KeyValue::new(key::HTTP_REQUEST_METHOD, method));
    if method == "_OTHER" {
        attributes.push(KeyValue::new(
            key::HTTP_REQUEST_METHOD_ORIGINAL,
            request.method().as_str().to_owned(),
        ));
    }
    let url = request.url();
    if let Some(host) = url.host_str() {
        attributes.push(KeyValue::new(key::SERVER_ADDRESS, recent::text(host)));
    }
    if let Some(port) = url.port_or_known_default() {
        attributes.push(KeyValue::new(key::SERVER_PORT, i64::from(port)));
    }
    attributes.push(KeyValue::new(key::URL_FULL, redacted(url)));
    attributes.push(KeyValue::new(key::URL_SCHEME, scheme(url)));
    if let Some(route) = route {
        attributes.push(KeyValue::new(URL_TEMPLATE, route));
    }
    if number > 0 {
        attributes.push(KeyValue::new(key::HTTP_REQUEST_RESEND_COUNT, number));
    }
    attributes
}

fn scheme(url: &Url) -> &'static str {
    if url.scheme() == "https" {
        "https"
    } else {
        "http"
    }
}

/// `url.full` without credentials, fragment and query values: what a query asks
/// for stays to be seen, what it says does not.
fn redacted(url: &Url) -> String {
    let plain = url.username().is_empty() && url.password().is_none();
    if plain && url.query().is_none() && url.fragment().is_none() {
        return url.as_str().to_owned();
    }
    let mut clean = url.clone();
    clean.set_fragment(None);
    // Both refuse only URLs that cannot have a host, which are never called.
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
    fn url_full_keeps_no_secret() {
        let url = "http://user:secret@hello:8090/greetings/Ada?token=secret&lang=de#secret"
            .parse()
            .unwrap();
        assert_eq!(
            redacted(&url),
            "http://hello:8090/greetings/Ada?token=REDACTED&lang=REDACTED"
        );
    }

    #[test]
    fn a_plain_url_stays_as_it_is() {
        let url = "http://hello:8090/greetings/W%C3%B6rld".parse().unwrap();
        assert_eq!(redacted(&url), "http://hello:8090/greetings/W%C3%B6rld");
    }
}
