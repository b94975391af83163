//! Properties of every trace: it satisfies the contract that is recorded from it, also
//! after the contract was written to YAML, and no changed trace satisfies it.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index;

use crate::check::Expectation;
use crate::contract::Contract;
use crate::fixture;
use crate::ids::SpanId;
use crate::model::{Attributes, Event, Span, SpanKind, Status, Trace, Value};
use crate::record::record;

/// The spans of a random tree. `names` is the number of different names: with few names,
/// siblings look alike.
fn spans(names: usize) -> impl Strategy<Value = Vec<Span>> {
    let span = (
        any::<Index>(),
        0..3_usize,
        kind(),
        0..names,
        attributes(),
        status(),
        prop::collection::vec("[a-z]{1,8}", 0..3),
    );
    prop::collection::vec(span, 1..14).prop_map(move |parts| {
        let mut spans: Vec<Span> = Vec::new();
        for (number, part) in (1..).zip(parts) {
            let (parent, service, kind, name, attributes, status, events) = part;
            let parent = match spans.len() {
                0 => fixture::caller().span_id(),
                count => spans[parent.index(count)].span_id,
            };
            // Unique if every change must be noticed.
            let name = match names {
                1.. if names < 10 => format!("op {name}"),
                _ => format!("op {number}"),
            };
            let mut span = fixture::span(number, parent, ["a", "b", "c"][service], kind, &name);
            span.attributes = attributes;
            span.status = status;
            span.events = events.into_iter().map(event).collect();
            spans.push(span);
        }
        spans
    })
}

fn event(name: String) -> Event {
    Event {
        time: 0,
        name,
        attributes: Attributes::new(),
    }
}

fn kind() -> impl Strategy<Value = SpanKind> {
    prop::sample::select(vec![
        SpanKind::Internal,
        SpanKind::Server,
        SpanKind::Client,
        SpanKind::Producer,
        SpanKind::Consumer,
    ])
}

fn status() -> impl Strategy<Value = Status> {
    prop_oneof![
        Just(Status::Unset),
        Just(Status::Ok),
        ".*".prop_map(|message| Status::Error { message }),
    ]
}

fn attributes() -> impl Strategy<Value = Attributes> {
    let key = prop_oneof![
        "[a-z]{1,6}(\\.[a-z]{1,6}){0,2}",
        Just("server.port".to_owned())
    ];
    prop::collection::btree_map(key, value(), 0..4)
}

fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        ".*".prop_map(Value::String),
        "[0-9]{1,3}|true|null|~|1e3|0x1f|-".prop_map(Value::String),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<f64>().prop_map(Value::Double),
        prop::collection::vec(any::<u8>(), 0..4).prop_map(Value::Bytes),
    ];
    scalar.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            prop::collection::btree_map("[a-z]{1,4}", inner, 0..3).prop_map(Value::Map),
        ]
    })
}

/// The same trace as of another request: with other ids and in another order.
fn of_another_request(spans: &[Span], order: &[Index]) -> Vec<Span> {
    let renamed = |id: SpanId| {
        let [first, rest @ ..] = id.to_bytes();
        let mut bytes = [first, 0, 0, 0, 0, 0, 0, 0];
        bytes[1..].copy_from_slice(&rest);
        bytes[7] = 0xff - first;
        SpanId::from_bytes(bytes).expect("not zero")
    };
    let mut copies = Vec::new();
    for (i, span) in spans.iter().enumerate() {
        let mut span = span.clone();
        span.span_id = renamed(span.span_id);
        if i > 0 {
            span.parent = span.parent.map(renamed);
        }
        copies.insert(order[i % order.len()].index(i + 1), span);
    }
    copies
}

/// A change that the recorded contract must not accept.
#[derive(Clone, Debug)]
enum Mutation {
    Drop,
    Reparent(Index),
    UnknownParent,
    Rename,
    ChangeKind,
    ChangeType,
    ChangeService,
    Fail,
    Add,
    EndEarly,
}

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        Just(Mutation::Drop),
        any::<Index>().prop_map(Mutation::Reparent),
        Just(Mutation::UnknownParent),
        Just(Mutation::Rename),
        Just(Mutation::ChangeKind),
        Just(Mutation::ChangeType),
        Just(Mutation::ChangeService),
        Just(Mutation::Fail),
        Just(Mutation::Add),
        Just(Mutation::EndEarly),
    ]
}

/// Makes the change; returns false if it has no effect on this trace.
fn mutate(spans: &mut Vec<Span>, at: Index, mutation: &Mutation) -> bool {
    let place = at.index(spans.len());
    let count = spans.len();
    match mutation {
        Mutation::Drop => {
            spans.remove(place);
        }
        Mutation::Reparent(to) => {
            let parent = Some(spans[to.index(count)].span_id);
            if spans[place].parent == parent {
                return false;
            }
            spans[place].parent = parent;
        }
        Mutation::UnknownParent => spans[place].parent = SpanId::from_bytes([0x99; 8]),
        Mutation::Rename => spans[place].name.push('!'),
        Mutation::ChangeKind => {
            spans[place].kind = match spans[place].kind {
                SpanKind::Internal => SpanKind::Server,
                _ => SpanKind::Internal,
            };
        }
        Mutation::ChangeType => {
            let Some(value) = spans[place].attributes.values_mut().next() else {
                return false;
            };
            *value = match value {
                Value::String(_) => Value::Int(200),
                ref other => Value::String(other.to_string()),
            };
        }
        Mutation::ChangeService => spans[place].resource = Arc::new(fixture::resource("d")),
        Mutation::Fail => match spans[place].status {
            Status::Error { .. } => spans[place].status = Status::Unset,
            _ => {
                spans[place].status = Status::Error {
                    message: String::new(),
                }
            }
        },
        Mutation::Add => {
            let parent = spans[place].span_id;
            spans.push(fixture::span(
                0x77,
                parent,
                "a",
                SpanKind::Internal,
                "added",
            ));
        }
        Mutation::EndEarly => spans[place].end = spans[place].start - 1,
    }
    true
}

fn recorded(trace: &Trace) -> Contract {
    record(trace).unwrap_or_else(|error| panic!("{error}"))
}

fn expectation() -> Expectation {
    Expectation::continues(&fixture::caller())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_recorded_contract_is_satisfied_by_its_trace(
        spans in spans(3),
        order in prop::collection::vec(any::<Index>(), 1..14),
    ) {
        let contract = recorded(&fixture::trace(spans.clone()));
        for spans in [of_another_request(&spans, &order), spans] {
            if let Err(mismatch) = contract.check(&fixture::trace(spans), &expectation()) {
                return Err(TestCaseError::fail(mismatch.to_string()));
            }
        }
    }

    #[test]
    fn a_recorded_contract_is_the_same_after_yaml(spans in spans(3)) {
        let contract = recorded(&fixture::trace(spans));
        let yaml = contract.to_yaml();
        let read = Contract::from_yaml(&yaml).map_err(|error| TestCaseError::fail(format!("{error}\n{yaml}")))?;
        prop_assert_eq!(read, contract);
    }

    #[test]
    fn any_single_change_is_noticed(
        spans in spans(10),
        at in any::<Index>(),
        mutation in mutation(),
    ) {
        let contract = recorded(&fixture::trace(spans.clone()));
        let mut changed = spans;
        prop_assume!(mutate(&mut changed, at, &mutation));
        let trace = fixture::trace(changed);
        let checked = contract.check(&trace, &expectation());
        let Err(mismatch) = checked else {
            return Err(TestCaseError::fail("the change was not noticed"));
        };
        prop_assert!(!mismatch.summary().is_empty());
        prop_assert!(mismatch.to_string().lines().count() <= 50, "{}", mismatch);
    }

    #[test]
    fn no_trace_makes_the_check_or_the_waterfall_panic(
        spans in spans(3),
        changes in prop::collection::vec((any::<Index>(), mutation()), 1..6),
    ) {
        let contract = recorded(&fixture::trace(spans.clone()));
        let mut changed = spans;
        for (at, mutation) in changes {
            if !changed.is_empty() {
                mutate(&mut changed, at, &mutation);
            }
        }
        let trace = fixture::trace(changed);
        let _ = contract.check(&trace, &expectation());
        let drawn = crate::waterfall(&trace);
        prop_assert_eq!(drawn.lines().count(), 1 + trace.spans().len(), "{}", drawn);
    }
}
