//! Compares the fields of one span with its node of the contract.

use std::collections::BTreeMap;
use std::fmt;

use super::assign::{Costs, NodeGroup, SpanGroup, assign};
use super::expectation::Expectation;
use crate::contract::{EventContract, LinkContract, LinkTarget, Matcher, SpanContract, Text};
use crate::model::{Attributes, Event, Link, Span, Status};
use crate::text::{printable, truncate};

/// A field of a span that is not as the contract requires.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FieldDifference {
    /// The field, such as `attribute http.route`.
    pub(super) field: String,
    pub(super) expected: String,
    pub(super) actual: String,
    /// The cost of the difference when spans are paired with nodes of the contract.
    pub(super) cost: i64,
}

/// Values are truncated: a stack trace would fill the screen.
const MAX_VALUE_CHARS: usize = 240;

// A span of another service is another span. A span with another name or kind may
// still belong to the node. Other fields are weak evidence.
const SERVICE_COST: i64 = 150;
const KIND_COST: i64 = 60;
const NAME_COST: i64 = 60;
const STATUS_COST: i64 = 5;
const OTHER_COST: i64 = 2;

impl FieldDifference {
    fn new(
        field: impl Into<String>,
        expected: impl fmt::Display,
        actual: impl fmt::Display,
    ) -> Self {
        Self {
            field: field.into(),
            expected: truncate(&expected.to_string(), MAX_VALUE_CHARS),
            actual: truncate(&actual.to_string(), MAX_VALUE_CHARS),
            cost: OTHER_COST,
        }
    }

    fn with_cost(self, cost: i64) -> Self {
        Self { cost, ..self }
    }
}

/// All fields of `span` that are not as `node` requires, the most important first.
pub(super) fn differences(
    node: &SpanContract,
    span: &Span,
    expectation: &Expectation,
) -> Vec<FieldDifference> {
    let mut found = identity(node, span);
    found.extend(status(node, span));
    if let Some(expected) = &node.tracestate
        && !expected.accepts(&span.trace_state)
    {
        found.push(FieldDifference::new(
            "tracestate",
            quoted(expected),
            format_args!("{:?}", span.trace_state),
        ));
    }
    found.extend(attributes("attribute", &node.attributes, &span.attributes));
    found.extend(attributes(
        "resource attribute",
        &node.resource,
        &span.resource,
    ));
    if let Some(expected) = &node.events {
        found.extend(events(expected, &span.events));
    }
    found.extend(links(&node.links, span, expectation));
    found
}

/// Whether service, kind and name of the span are those of the node.
pub(super) fn has_identity(node: &SpanContract, span: &Span) -> bool {
    identity_differences(node, span) == 0
}

/// How many of service, kind and name differ.
pub(super) fn identity_differences(node: &SpanContract, span: &Span) -> usize {
    usize::from(!node.service.accepts(span.service()))
        + usize::from(node.kind != span.kind)
        + usize::from(!node.name.accepts(&span.name))
}

fn identity(node: &SpanContract, span: &Span) -> Vec<FieldDifference> {
    let mut found = Vec::new();
    if !node.service.accepts(span.service()) {
        found.push(
            FieldDifference::new("service", &node.service, printable(span.service()))
                .with_cost(SERVICE_COST),
        );
    }
    if node.kind != span.kind {
        found.push(FieldDifference::new("kind", node.kind, span.kind).with_cost(KIND_COST));
    }
    if !node.name.accepts(&span.name) {
        found.push(
            FieldDifference::new("name", quoted(&node.name), format_args!("{:?}", span.name))
                .with_cost(NAME_COST),
        );
    }
    found
}

fn quoted(text: &Text) -> String {
    match text {
        Text::Equals(text) => format!("{text:?}"),
        pattern @ Text::Matches(_) => format!("text matching {pattern}"),
    }
}

fn status(node: &SpanContract, span: &Span) -> Option<FieldDifference> {
    let difference = match &node.status {
        Some(expected) if !expected.accepts(&span.status) => {
            FieldDifference::new("status", expected, &span.status)
        }
        None if matches!(span.status, Status::Error { .. }) => {
            FieldDifference::new("status", "no error", &span.status)
        }
        _ => return None,
    };
    Some(difference.with_cost(STATUS_COST))
}

fn attributes(
    prefix: &str,
    expected: &BTreeMap<String, Matcher>,
    actual: &Attributes,
) -> Vec<FieldDifference> {
    expected
        .iter()
        .filter(|(key, matcher)| !matcher.accepts(actual.get(*key)))
        .map(|(key, matcher)| {
            let actual = match actual.get(key) {
                Some(value) => value.to_string(),
                None => "none".to_owned(),
            };
            FieldDifference::new(format!("{prefix} {key}"), matcher, actual)
        })
        .collect()
}

/// Compares events in order. If their number or a name differs, the list is one
/// difference.
fn events(expected: &[EventContract], actual: &[Event]) -> Vec<FieldDifference> {
    let names_fit = expected.len() == actual.len()
        && expected
            .iter()
            .zip(actual)
            .all(|(expected, actual)| expected.name.accepts(&actual.name));
    if !names_fit {
        let expected = list(expected.iter().map(|event| event.name.to_string()));
        let actual = actual
            .iter()
            .map(|event| printable(&event.name).into_owned());
        return vec![FieldDifference::new("events", expected, list(actual))];
    }
    expected
        .iter()
        .zip(actual)
        .enumerate()
        .flat_map(|(i, (expected, actual))| {
            let prefix = format!("event {} ({}) attribute", i + 1, printable(&actual.name));
            attributes(&prefix, &expected.attributes, &actual.attributes)
        })
        .collect()
}

/// Compares links in any order.
fn links(
    expected: &[LinkContract],
    span: &Span,
    expectation: &Expectation,
) -> Vec<FieldDifference> {
    if links_fit(expected, span, expectation) {
        return Vec::new();
    }
    let describe = |link: &Link| describe_link(link, span, expectation);
    vec![FieldDifference::new(
        "links",
        list(expected.iter().map(|link| link.to.to_string())),
        list(span.links.iter().map(describe)),
    )]
}

fn links_fit(expected: &[LinkContract], span: &Span, expectation: &Expectation) -> bool {
    if expected.len() != span.links.len() {
        return false;
    }
    let mut in_order = expected.iter().zip(&span.links);
    if in_order.all(|(it, link)| link_fits(it, link, span, expectation)) {
        return true;
    }
    let group = SpanGroup { count: 1, extra: 1 };
    let required = NodeGroup {
        min: 1,
        max: 1,
        missing: 1,
    };
    let pairs = span.links.iter().enumerate().flat_map(|(i, link)| {
        let fitting = expected.iter().enumerate();
        let fitting = fitting.filter(|(_, it)| link_fits(it, link, span, expectation));
        fitting.map(move |(place, _)| (i, place, 0))
    });
    let assignment = assign(&Costs {
        pairs: pairs.collect(),
        spans: vec![group; span.links.len()],
        nodes: vec![required; expected.len()],
    });
    assignment.cost == 0
}

fn link_fits(expected: &LinkContract, link: &Link, span: &Span, expectation: &Expectation) -> bool {
    let target_fits = match expected.to {
        LinkTarget::Caller => is_caller(link, expectation),
        LinkTarget::ThisTrace => link.trace_id == span.trace_id,
        LinkTarget::OtherTrace => link.trace_id != span.trace_id,
    };
    target_fits
        && expected
            .attributes
            .iter()
            .all(|(key, matcher)| matcher.accepts(link.attributes.get(key)))
}

pub(super) fn is_caller(link: &Link, expectation: &Expectation) -> bool {
    expectation.caller.is_some_and(|caller| {
        caller.trace_id() == link.trace_id && caller.span_id() == link.span_id
    })
}

fn describe_link(link: &Link, span: &Span, expectation: &Expectation) -> String {
    let target = if is_caller(link, expectation) {
        "caller".to_owned()
    } else if link.trace_id == span.trace_id {
        format!("this-trace {}", link.span_id)
    } else {
        format!("other-trace {} {}", link.trace_id, link.span_id)
    };
    if link.attributes.is_empty() {
        return target;
    }
    let attributes = list(
        link.attributes
            .iter()
            .map(|(key, value)| format!("{key}: {value}")),
    );
    format!("{target} {attributes}")
}

fn list(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    if items.is_empty() {
        "none".to_owned()
    } else {
        format!("[{}]", items.join(", "))
    }
}
