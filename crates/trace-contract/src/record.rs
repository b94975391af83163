//! Writes a first contract from a correct trace. Values that change from run to run are
//! replaced by their type.

use std::collections::HashMap;

use crate::contract::{
    self, Contract, EventContract, LinkContract, LinkTarget, Matcher, Repeat, SpanContract,
    StatusContract, Text, ValueType,
};
use crate::deep;
use crate::model::{Attributes, Forest, Link, Span, Status, Trace, Value};

/// Attributes whose values depend on the run, the host or the version of a library. A
/// name that ends with a dot is a prefix.
const VOLATILE: [&str; 32] = [
    "client.",
    "code.",
    "container.",
    "destination.",
    "enduser.",
    "exception.message",
    "exception.stacktrace",
    "host.",
    "http.client_ip",
    "http.host",
    "http.request.body.size",
    "http.request.size",
    "http.response.body.size",
    "http.response.size",
    "http.url",
    "http.user_agent",
    "k8s.",
    "messaging.message.",
    "net.",
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

/// Creates a contract that `trace` satisfies. Equal siblings become one span with
/// `repeat`.
///
/// # Errors
/// When the trace has no span, or more than 100,000 levels.
pub fn record(trace: &Trace) -> Result<Contract, RecordError> {
    let forest = Forest::new(trace);
    if forest.roots().is_empty() {
        return Err(RecordError::NoRoot);
    }
    if forest.depth() > deep::MAX_DEPTH {
        return Err(RecordError::TooDeep(forest.depth()));
    }
    let mut recorded: Vec<Vec<Recorded>> = vec![Vec::new(); forest.len()];
    let mut numbers = HashMap::new();
    // Children before their parents.
    for index in forest.breadth_first().into_iter().rev() {
        let children = forest.children(index).iter();
        let below = fold(children.flat_map(|child| std::mem::take(&mut recorded[*child])));
        recorded[index] = vec![span(forest.span(index), below, &mut numbers)];
    }
    let roots = forest.roots().iter();
    let roots = fold(roots.flat_map(|root| std::mem::take(&mut recorded[*root])));
    Ok(Contract::from_roots(
        roots.into_iter().map(|it| it.contract).collect(),
    ))
}

/// Why no contract can be recorded from a trace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The trace is empty, or every span is its own ancestor.
    #[error("the trace has no root span")]
    NoRoot,
    /// The trace has too many levels.
    #[error("the trace has {0} levels of spans: at most 100000 can be recorded")]
    TooDeep(usize),
}

/// The contract of a span, with a number that equal contracts share.
#[derive(Clone)]
struct Recorded {
    contract: SpanContract,
    number: usize,
}

/// Replaces equal siblings by the first of them, with `repeat`.
fn fold(siblings: impl Iterator<Item = Recorded>) -> Vec<Recorded> {
    let mut folded: Vec<Recorded> = Vec::new();
    let mut places = HashMap::new();
    for sibling in siblings {
        if let Some(place) = places.get(&sibling.number) {
            let first: &mut Recorded = &mut folded[*place];
            let count = first.contract.repeat.max() + 1;
            first.contract.repeat = Repeat::new(count, count).unwrap_or(Repeat::ONCE);
            contract::free(vec![sibling.contract]);
        } else {
            places.insert(sibling.number, folded.len());
            folded.push(sibling);
        }
    }
    folded
}

fn span(found: &Span, below: Vec<Recorded>, numbers: &mut HashMap<String, usize>) -> Recorded {
    let contract = SpanContract {
        status: Some(status(&found.status)),
        attributes: attributes(&found.attributes),
        events: (!found.events.is_empty()).then(|| events(found)),
        links: found.links.iter().map(|it| link(it, found)).collect(),
        ..SpanContract::new(found.service(), found.kind, found.name.as_str())
    };
    let mut children: Vec<_> = below
        .iter()
        .map(|it| (it.number, it.contract.repeat.max()))
        .collect();
    children.sort_unstable();
    let next = numbers.len();
    let text = format!("{contract:?}{children:?}");
    let number = *numbers.entry(text).or_insert(next);
    let children = below.into_iter().map(|it| it.contract).collect();
    Recorded {
        contract: SpanContract {
            children,
            ..contract
        },
        number,
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
    use crate::model::SpanKind;

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
    fn equal_siblings_become_one_span_with_repeat() {
        let mut spans = fixture::spans();
        let again: Vec<_> = (0x20..0x25)
            .map(|number| fixture::span(number, spans[2].span_id, "cache", SpanKind::Client, "GET"))
            .collect();
        spans.extend(again);
        let trace = fixture::trace(spans);
        let contract = record(&trace).expect("one root");
        let yaml = contract.to_yaml();
        assert!(yaml.contains("repeat: 5\n"), "{yaml}");
        assert_eq!(yaml.matches("service: cache").count(), 1, "{yaml}");
        let satisfied = contract.check(&trace, &crate::Expectation::default());
        assert!(satisfied.is_ok(), "{satisfied:?}");
    }

    #[test]
    fn a_trace_with_several_roots_is_recorded_as_a_list() {
        let mut spans = fixture::spans();
        spans[HELLO_SERVER].parent =
            fixture::span(0x66, spans[0].span_id, "", SpanKind::Server, "")
                .parent
                .map(|_| fixture::span_id(0x66));
        let trace = fixture::trace(spans.clone());
        let contract = record(&trace).expect("two roots");
        let yaml = contract.to_yaml();
        assert!(yaml.starts_with("spans:\n"), "{yaml}");
        let read = Contract::from_yaml(&yaml).expect("a contract");
        let expectation = crate::Expectation::continues(&fixture::caller());
        let satisfied = read.check(&trace, &expectation);
        assert!(satisfied.is_ok(), "{satisfied:?}");
        spans.truncate(HELLO_SERVER);
        let missing = read.check(&fixture::trace(spans), &expectation);
        let report = missing.expect_err("a root is missing").to_string();
        assert!(
            report.contains("no hello SERVER span at the root"),
            "{report}"
        );
    }
}
