//! One span beside its node of the contract: every field that differs.

use std::collections::BTreeMap;
use std::fmt;

use super::Expectation;
use super::assign::{Costs, assign};
use crate::contract::{EventContract, LinkContract, LinkTarget, Matcher, SpanContract};
use crate::model::{Attributes, Event, Link, Span, Status, printable};
use crate::report::cut;

/// A field of a span that is not as the contract says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FieldDifference {
    /// Which field, such as `attribute http.route`.
    pub(crate) field: String,
    pub(crate) expected: String,
    pub(crate) got: String,
    /// How much it says against this being the span that is meant.
    pub(super) weight: i64,
}

/// As much of a value as is shown: a stack trace would fill the screen.
const SHOWN: usize = 240;

/// A span of another service is another span; a span with another name or kind
/// may be the one that is meant; other fields say little.
const SERVICE: i64 = 150;
const KIND: i64 = 60;
const NAME: i64 = 60;
const STATUS: i64 = 5;
const OTHER: i64 = 2;

impl FieldDifference {
    fn new(field: impl Into<String>, expected: impl fmt::Display, got: impl fmt::Display) -> Self {
        Self {
            field: field.into(),
            expected: cut(&expected.to_string(), SHOWN),
            got: cut(&got.to_string(), SHOWN),
            weight: OTHER,
        }
    }

    fn weighing(self, weight: i64) -> Self {
        Self { weight, ..self }
    }
}

/// All fields of `span` that are not as `node` says, the most telling first.
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

/// What makes a span the one that is meant.
pub(super) fn is_meant(node: &SpanContract, span: &Span) -> bool {
    strangeness(node, span) == 0
}

/// How many of service, kind and name differ.
pub(super) fn strangeness(node: &SpanContract, span: &Span) -> usize {
    usize::from(!node.service.accepts(span.service()))
        + usize::from(node.kind != span.kind)
        + usize::from(!node.name.accepts(&span.name))
}

fn identity(node: &SpanContract, span: &Span) -> Vec<FieldDifference> {
    let mut found = Vec::new();
    if !node.service.accepts(span.service()) {
        found.push(
            FieldDifference::new("service", &node.service, printable(span.service()))
                .weighing(SERVICE),
        );
    }
    if node.kind != span.kind {
        found.push(FieldDifference::new("kind", node.kind, span.kind).weighing(KIND));
    }
    if !node.name.accepts(&span.name) {
        found.push(
            FieldDifference::new("name", quoted(&node.name), format_args!("{:?}", span.name))
                .weighing(NAME),
        );
    }
    found
}

fn quoted(text: &crate::contract::Text) -> String {
    match text {
        crate::contract::Text::Equals(text) => format!("{text:?}"),
        pattern @ crate::contract::Text::Matches(_) => format!("text matching {pattern}"),
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
    Some(difference.weighing(STATUS))
}

fn attributes(
    what: &str,
    expected: &BTreeMap<String, Matcher>,
    got: &Attributes,
) -> Vec<FieldDifference> {
    expected
        .iter()
        .filter(|(key, matcher)| !matcher.accepts(got.get(*key)))
        .map(|(key, matcher)| {
            let got = match got.get(key) {
                Some(value) => value.to_string(),
                None => "none".to_owned(),
            };
            FieldDifference::new(format!("{what} {key}"), matcher, got)
        })
        .collect()
}

/// Events are compared in order; when their number or a name differs, the whole
/// list is one difference.
fn events(expected: &[EventContract], got: &[Event]) -> Vec<FieldDifference> {
    let names_fit = expected.len() == got.len()
        && expected
            .iter()
            .zip(got)
            .all(|(expected, got)| expected.name.accepts(&got.name));
    if !names_fit {
        let expected = list(expected.iter().map(|event| event.name.to_string()));
        let got = list(got.iter().map(|event| printable(&event.name).into_owned()));
        return vec![FieldDifference::new("events", expected, got)];
    }
    expected
        .iter()
        .zip(got)
        .enumerate()
        .flat_map(|(i, (expected, got))| {
            let what = format!("event {} ({}) attribute", i + 1, printable(&got.name));
            attributes(&what, &expected.attributes, &got.attributes)
        })
        .collect()
}

/// Links are compared in any order.
fn links(
    expected: &[LinkContract],
    span: &Span,
    expectation: &Expectation,
) -> Vec<FieldDifference> {
    let pair = |link: &Link| {
        expected
            .iter()
            .map(|it| link_is(it, link, span, expectation).then_some(0))
            .collect()
    };
    let assignment = assign(&Costs {
        pair: span.links.iter().map(pair).collect(),
        extra: vec![1; span.links.len()],
        missing: vec![1; expected.len()],
        times: vec![(1, 1); expected.len()],
    });
    if assignment.cost == 0 {
        return Vec::new();
    }
    let describe = |link: &Link| describe_link(link, span, expectation);
    vec![FieldDifference::new(
        "links",
        list(expected.iter().map(|link| link.to.to_string())),
        list(span.links.iter().map(describe)),
    )]
}

fn link_is(expected: &LinkContract, link: &Link, span: &Span, expectation: &Expectation) -> bool {
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

fn is_caller(link: &Link, expectation: &Expectation) -> bool {
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

impl fmt::Display for LinkTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Caller => "caller",
            Self::ThisTrace => "this-trace",
            Self::OtherTrace => "other-trace",
        })
    }
}
