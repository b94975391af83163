//! A first contract out of a trace that is as it should be: what is the same in
//! each run is kept, and of what changes, the type.

use crate::check::Forest;
use crate::contract::{
    Contract, EventContract, LinkContract, LinkTarget, Matcher, SpanContract, StatusContract, Text,
    ValueType,
};
use crate::model::{Attributes, Link, Span, Status, Trace, Value};

/// Attributes whose values change from run to run, from host to host or with the
/// version of a library: all below a name that ends with a dot, else the one.
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

/// Endings of names whose values change from run to run.
const VOLATILE_ENDINGS: [&str; 6] = ["_id", ".id", ".time", ".timestamp", "_ms", ".duration"];

/// Writes the contract that `trace` satisfies.
///
/// # Errors
/// When the trace is broken: it has not exactly one root, or spans that cannot
/// be reached from it.
pub fn record(trace: &Trace) -> Result<Contract, RecordError> {
    let forest = Forest::new(trace);
    let [root] = *forest.tops() else {
        return Err(RecordError {
            roots: forest
                .tops()
                .iter()
                .map(|it| forest.span(*it).title())
                .collect(),
        });
    };
    Ok(Contract::of(span(&forest, root)))
}

/// A trace that no contract can be written of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a contract needs a trace with one root, and this has {}: {}",
    .roots.len(),
    .roots.join(", ")
)]
pub struct RecordError {
    roots: Vec<String>,
}

fn span(forest: &Forest<'_>, place: usize) -> SpanContract {
    let found = forest.span(place);
    let children = forest.children(place).iter();
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
        // A message often holds an address or an id.
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
        Some(kind) if is_volatile(key) || !is_plain(value) => Matcher::Type(kind),
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
    named || VOLATILE_ENDINGS.iter().any(|ending| key.ends_with(ending))
}

/// Whether a value can be written, and is the same when it is read again.
fn is_plain(value: &Value) -> bool {
    match value {
        Value::String(_) | Value::Bool(_) | Value::Int(_) => true,
        Value::Double(number) => number.is_finite(),
        Value::Array(values) => values
            .iter()
            .all(|it| !matches!(it, Value::Array(_)) && is_plain(it)),
        Value::Bytes(_) | Value::Map(_) | Value::Empty => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, HELLO_SERVER, ROOT};

    #[test]
    fn what_changes_from_run_to_run_is_kept_by_its_type() {
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
    fn a_broken_trace_is_refused_with_its_roots() {
        let mut spans = fixture::spans();
        spans[HELLO_SERVER].parent = None;
        let error = record(&fixture::trace(spans)).expect_err("two roots");
        assert_eq!(
            error.to_string(),
            "a contract needs a trace with one root, and this has 2: \
             gateway SERVER GET /hello, hello SERVER GET /greetings/{name}"
        );
    }
}
