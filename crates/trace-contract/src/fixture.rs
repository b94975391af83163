//! A trace for unit tests: one request to the gateway, which calls hello, which calls the
//! gateway.

use std::sync::Arc;

use crate::ids::{SpanId, TraceId};
use crate::model::{Attributes, Scope, Span, SpanKind, Status, Trace, Value};
use crate::traceparent::TraceParent;

pub(crate) const MILLI: u64 = 1_000_000;
const START: u64 = 1_700_000_000_000_000_000;

/// The contract that [`spans`] satisfies.
pub(crate) const CONTRACT: &str = "
service: gateway
kind: server
name: GET /hello
status: unset
attributes:
  http.request.method: GET
  http.response.status_code: 200
  user_agent.original: {type: string}
resource:
  service.name: gateway
children:
  - service: gateway
    kind: internal
    name: hello
    children:
      - service: gateway
        kind: client
        name: GET /greetings/{name}
        children:
          - service: hello
            kind: server
            name: GET /greetings/{name}
            children:
              - service: hello
                kind: internal
                name: greet
                children:
                  - service: hello
                    kind: client
                    name: GET /visitors/{name}
                    children:
                      - service: gateway
                        kind: server
                        name: GET /visitors/{name}
                        children:
                          - service: gateway
                            kind: internal
                            name: visitor
";

/// Indexes into [`spans`].
pub(crate) const ROOT: usize = 0;
pub(crate) const HELLO: usize = 1;
pub(crate) const CLIENT: usize = 2;
pub(crate) const HELLO_SERVER: usize = 3;
pub(crate) const GREET: usize = 4;

pub(crate) fn trace_id() -> TraceId {
    TraceId::from_bytes([0x4b; 16]).expect("not zero")
}

pub(crate) fn span_id(number: u8) -> SpanId {
    SpanId::from_bytes([number; 8]).expect("not zero")
}

/// The caller that sent the request.
pub(crate) fn caller() -> TraceParent {
    TraceParent::new(trace_id(), span_id(0xca), true)
}

/// A span that starts `number` milliseconds after the first.
pub(crate) fn span(number: u8, parent: SpanId, service: &str, kind: SpanKind, name: &str) -> Span {
    let start = START + u64::from(number) * MILLI;
    Span {
        trace_id: trace_id(),
        span_id: span_id(number),
        parent: Some(parent),
        trace_state: String::new(),
        flags: 1,
        name: name.to_owned(),
        kind,
        start,
        end: start + 20_u64.saturating_sub(2 * u64::from(number)) * MILLI,
        status: Status::Unset,
        attributes: Attributes::new(),
        events: Vec::new(),
        links: Vec::new(),
        resource: Arc::new(resource(service)),
        scope: Arc::new(Scope::default()),
    }
}

pub(crate) fn resource(service: &str) -> Attributes {
    [("service.name", service), ("service.instance.id", service)]
        .map(|(key, value)| (key.to_owned(), Value::from(value)))
        .into()
}

/// The eight spans of a request to `GET /hello`.
pub(crate) fn spans() -> Vec<Span> {
    use SpanKind::{Client, Internal, Server};
    let chain = [
        ("gateway", Server, "GET /hello"),
        ("gateway", Internal, "hello"),
        ("gateway", Client, "GET /greetings/{name}"),
        ("hello", Server, "GET /greetings/{name}"),
        ("hello", Internal, "greet"),
        ("hello", Client, "GET /visitors/{name}"),
        ("gateway", Server, "GET /visitors/{name}"),
        ("gateway", Internal, "visitor"),
    ];
    let mut parent = caller().span_id();
    let mut spans = Vec::new();
    for (number, (service, kind, name)) in (1..).zip(chain) {
        let made = span(number, parent, service, kind, name);
        parent = made.span_id;
        spans.push(made);
    }
    spans[ROOT].attributes = [
        ("http.request.method", Value::from("GET")),
        ("http.response.status_code", Value::Int(200)),
        ("user_agent.original", Value::from("curl/8")),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into();
    spans
}

pub(crate) fn trace(spans: impl IntoIterator<Item = Span>) -> Trace {
    Trace::new(trace_id(), spans)
}
