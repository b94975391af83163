//! Writes a first contract from a correct trace. Values that change from run to run are
//! replaced by their type.

use crate::contract::{
    Contract, EventContract, LinkContract, LinkTarget, Matcher, SpanContract, StatusContract, Text,
    ValueType,
};
use crate::model::{Attributes, Forest, Link, Span, Status, Trace, Value};

/// Attributes whose values depend on the run, the host or the version of a library. A
/// name that ends with a dot is a prefix.
const VOLATILE: [&str; 27] = [
    "client.",
    "code.",
    "container.",
    "destination.",
    "enduser.",
    "exception.message",
    "exception.stacktrace",
    "host.",
    "http.request.body.size",
    "http.request.size",
    "http.response.body.size",
    "http.response.size",
    "k8s.",
    "messaging.message.",
    "network.local.",
    "network.peer.",
    "process.",
    "server.address",
    "server.port",
    "service.instance.",
    "session.",
    "source.",
    "thread.",
    "url.full",
    "url.query",
    "user.",
    "user_agent.",
];

/// Suffixes of attributes whose values change from run to run.
const VOLATILE_SUFFIXES: [&str; 6] = ["_id", ".id", ".time", ".timestamp", "_ms", ".duration"];

/// Creates a contract that `trace` satisfies.
///
/// # Errors
/// When the trace does not have exactly one root.
pub fn record(trace: &Trace) -> Result<Contract, RecordError> {
    let forest = Forest::new(trace);
    let [root] = *forest.roots() else {
        return Err(RecordError {
            roots: forest
                .roots()
                .iter()
                .map(|it| forest.span(*it).title())
                .collect(),
        });
    };
    Ok(Contract::from_root(span(&forest, root)))
}

/// A trace that has no root, or several.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a trace with one root, got {}: {}",
    .roots.len(),
    .roots.join(", ")
)]
pub struct RecordError {
    roots: Vec<String>,
}

fn span(forest: &Forest<'_>, index: usize) -> SpanContract {
    let found = forest.span(index);
    let children = forest.children(index).iter();
    SpanContract {
        status: Some(status(&found.status)),
        attributes: attributes(&found.attributes),
        events: (!found.events.is_empty()).then(|| events(found)),
        links: found.links.iter().map(|it| link(it, found)).collect(),
        children: children.map(|child| span(forest, *child)).collect(),
        ..SpanContract::new(found.service(), found.kind, found.name.as_str())
    }
}

fn status(found: &Status) -> StatusContract {
    match found {
        Status::Unset => StatusContract::Unset,
        Status::Ok => StatusContract::Ok,
        Status::Error { message } if message.is_empty() => {
            StatusContract::Error(Some(Text::from("")))
        }
        // A message often contains an address or an id.
        Status::Error { .. } => StatusContract::Error(None),
    }
}

fn events(span: &Span) -> Vec<EventContract> {
    span.events
        .iter()
        .map(|event| EventContract {
            name: Text::from(event.name.as_str()),
            attributes: attributes(&event.attributes),
        })
        .collect()
}

fn link(found: &Link, span: &Span) -> LinkContract {
    let same = found.trace_id == span.trace_id;
    LinkContract {
        to: if same {
            LinkTarget::ThisTrace
        } else {
            LinkTarget::OtherTrace
        },
        attributes: attributes(&found.attributes),
    }
}

fn attributes(found: &Attributes) -> std::collections::BTreeMap<String, Matcher> {
    found
        .iter()
        .map(|(key, value)| (key.clone(), matcher(key, value)))
        .collect()
}

fn matcher(key: &str, value: &Value) -> Matcher {
    match ValueType::of(value) {
        None if is_volatile(key) => Matcher::Present(true),
        None => Matcher::Equals(Value::Empty),
        Some(kind) if is_volatile(key) || !survives_yaml(value) => Matcher::Type(kind),
        Some(_) => Matcher::Equals(value.clone()),
    }
}

fn is_volatile(key: &str) -> bool {
    let named = VOLATILE.iter().any(|name| {
        if name.ends_with('.') {
            key.starts_with(name)
        } else {
            key == *name
        }
    });
    named || VOLATILE_SUFFIXES.iter().any(|suffix| key.ends_with(suffix))
}

/// Whether the value is the same after it was written to YAML and read again.
fn survives_yaml(value: &Value) -> bool {
    match value {
        Value::String(_) | Value::Bool(_) | Value::Int(_) => true,
        Value::Double(number) => number.is_finite(),
        Value::Array(values) => values
            .iter()
            .all(|it| !matches!(it, Value::Array(_)) && survives_yaml(it)),
        Value::Bytes(_) | Value::Map(_) | Value::Empty => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, HELLO_SERVER, ROOT};

    #[test]
    fn values_that_change_from_run_to_run_become_types() {
        let mut spans = fixture::spans();
        spans.truncate(1);
        let more = [
            ("http.route", Value::from("/hello")),
            ("server.port", Value::Int(40123)),
            ("enduser.id", Value::from("alice")),
            ("order_id", Value::Int(7)),
        ];
        let more = more.map(|(key, value)| (key.to_owned(), value));
        spans[ROOT].attributes.extend(more);
        let contract = record(&fixture::trace(spans)).expect("one root");
        let expected = "\
service: gateway
kind: server
name: GET /hello
status: unset
attributes:
  enduser.id: {type: string}
  http.request.method: GET
  http.response.status_code: 200
  http.route: /hello
  order_id: {type: int}
  server.port: {type: int}
  user_agent.original: {type: string}
";
        assert_eq!(contract.to_yaml(), expected);
    }

    #[test]
    fn a_trace_with_two_roots_is_rejected_with_their_names() {
        let mut spans = fixture::spans();
        spans[HELLO_SERVER].parent = None;
        let error = record(&fixture::trace(spans)).expect_err("two roots");
        assert_eq!(
            error.to_string(),
            "expected a trace with one root, got 2: \
             gateway SERVER GET /hello, hello SERVER GET /greetings/{name}"
        );
    }
}
