//! Finds equal spans and equal nodes, so that each pair of them is compared once, and
//! the likely node of each span.
//!
//! Two spans have the same class if the contract cannot distinguish them, with all spans
//! below them. Two nodes have the same class if they accept the same spans. Classes are
//! numbers for the text of all compared fields.
//!
//! A span and a node have the same digest if service, kind, name and the attributes that
//! the contract always compares with a value are equal, with everything below them. That
//! finds the node of a span among thousands; the complete comparison decides.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::ops::Range;

use super::expectation::Expectation;
use super::fields;
use crate::contract::{Matcher, SpanContract, StatusContract, Text};
use crate::model::{Attributes, Forest, Span, Status, Value};

/// The classes and digests of all spans and nodes, by their indexes.
pub(super) struct Classes {
    pub(super) of_span: Vec<usize>,
    pub(super) of_node: Vec<usize>,
    pub(super) digest_of_span: Vec<usize>,
    /// `None` if the node accepts different spans, for example by a pattern.
    pub(super) digest_of_node: Vec<Option<usize>>,
}

/// Texts by number.
#[derive(Default)]
struct Numbers(HashMap<String, usize>);

impl Numbers {
    fn of(&mut self, text: String) -> usize {
        let next = self.0.len();
        *self.0.entry(text).or_insert(next)
    }
}

impl Classes {
    pub(super) fn new(
        nodes: &[&SpanContract],
        children: &[Range<usize>],
        forest: &Forest<'_>,
        expectation: &Expectation,
    ) -> Self {
        let compared = Compared::by(nodes);
        let mut digests = Numbers::default();
        let (of_node, digest_of_node) = of_nodes(nodes, children, &compared, &mut digests);
        let count = forest.len();
        let (mut of_span, mut digest_of_span) = (vec![0; count], vec![0; count]);
        let mut classes = Numbers::default();
        for index in forest.breadth_first().into_iter().rev() {
            let span = forest.span(index);
            let below = forest.children(index).iter();
            let mut text = compared.text(span, expectation);
            push_counts(&mut text, below.clone().map(|child| (of_span[*child], 1)));
            of_span[index] = classes.of(text);
            let mut text = compared.digest(span);
            push_counts(&mut text, below.map(|child| (digest_of_span[*child], 1)));
            digest_of_span[index] = digests.of(text);
        }
        Self {
            of_span,
            of_node,
            digest_of_span,
            digest_of_node,
        }
    }
}

fn of_nodes(
    nodes: &[&SpanContract],
    children: &[Range<usize>],
    compared: &Compared<'_>,
    digests: &mut Numbers,
) -> (Vec<usize>, Vec<Option<usize>>) {
    let (mut of_node, mut digest_of_node) = (vec![0; nodes.len()], vec![None; nodes.len()]);
    let mut classes = Numbers::default();
    for index in (0..nodes.len()).rev() {
        let mut text = node_text(nodes[index]);
        let below = children[index].clone();
        let mut parts: Vec<_> = below
            .clone()
            .map(|child| (of_node[child], nodes[child].occurrences()))
            .collect();
        parts.sort_unstable();
        let _ = write!(text, "{parts:?}");
        of_node[index] = classes.of(text);
        let exact = below.map(|child| match nodes[child].occurrences() {
            (min, max) if min == max => Some((digest_of_node[child]?, min)),
            _ => None,
        });
        digest_of_node[index] = compared
            .node_digest(nodes[index])
            .zip(exact.collect::<Option<Vec<_>>>())
            .map(|(mut text, below)| {
                push_counts(&mut text, below.into_iter());
                digests.of(text)
            });
    }
    (of_node, digest_of_node)
}

/// All fields that are compared, without the children and how often the node occurs.
fn node_text(node: &SpanContract) -> String {
    format!(
        "{:?}",
        (
            (&node.service, node.kind, &node.name),
            (&node.status, &node.tracestate, &node.events, &node.links),
            (&node.attributes, &node.resource, node.more),
        )
    )
}

fn push_counts(text: &mut String, below: impl Iterator<Item = (usize, usize)>) {
    let mut counts = BTreeMap::<usize, usize>::new();
    for (class, count) in below {
        *counts.entry(class).or_default() += count;
    }
    let _ = write!(text, "{counts:?}");
}

/// How the values of an attribute are compared.
#[derive(Clone, Copy, PartialEq)]
enum By {
    Value,
    Type,
    Other,
}

/// The fields that a contract compares.
#[derive(Default)]
struct Compared<'a> {
    attributes: HashMap<&'a str, By>,
    resource: HashMap<&'a str, By>,
    of_events: HashMap<&'a str, By>,
    events: bool,
    tracestate: bool,
    message: bool,
}

impl<'a> Compared<'a> {
    fn by(nodes: &[&'a SpanContract]) -> Self {
        let mut compared = Self::default();
        for node in nodes {
            merge(&mut compared.attributes, &node.attributes);
            merge(&mut compared.resource, &node.resource);
            for event in node.events.iter().flatten() {
                merge(&mut compared.of_events, &event.attributes);
            }
            compared.events |= node.events.is_some();
            compared.tracestate |= node.tracestate.is_some();
            compared.message |= matches!(node.status, Some(StatusContract::Error(Some(_))));
        }
        compared
    }

    fn text(&self, span: &Span, expectation: &Expectation) -> String {
        let mut text = format!("{:?}", (span.service(), span.kind, &span.name));
        match &span.status {
            Status::Error { message } if self.message => {
                let _ = write!(text, "{message:?}");
            }
            other => text.push_str(other.as_str()),
        }
        if self.tracestate {
            let _ = write!(text, "{:?}", span.trace_state);
        }
        push_attributes(&mut text, &span.attributes, &self.attributes);
        push_attributes(&mut text, &span.resource, &self.resource);
        if self.events {
            for event in &span.events {
                let _ = write!(text, "{:?}", event.name);
                push_attributes(&mut text, &event.attributes, &self.of_events);
            }
        }
        let links = span.links.iter();
        let mut links: Vec<String> = links
            .map(|link| {
                let caller = fields::is_caller(link, expectation);
                let same = link.trace_id == span.trace_id;
                format!("{caller}{same}{:?}", link.attributes)
            })
            .collect();
        links.sort_unstable();
        let _ = write!(text, "{links:?}");
        text
    }

    fn digest(&self, span: &Span) -> String {
        let mut text = format!("{:?}", (span.service(), span.kind, &span.name));
        for (key, value) in &span.attributes {
            if self.attributes.get(key.as_str()) == Some(&By::Value) {
                let _ = write!(text, "{key:?}{value:?}");
            }
        }
        text
    }

    /// `None` if the node itself accepts spans with different digests.
    fn node_digest(&self, node: &SpanContract) -> Option<String> {
        let (Text::Equals(service), Text::Equals(name), false) =
            (&node.service, &node.name, node.more)
        else {
            return None;
        };
        let mut text = format!("{:?}", (service, node.kind, name));
        for (key, matcher) in &node.attributes {
            if let (Matcher::Equals(value), Some(By::Value)) =
                (matcher, self.attributes.get(key.as_str()))
            {
                let _ = write!(text, "{key:?}{value:?}");
            }
        }
        Some(text)
    }
}

fn merge<'a>(compared: &mut HashMap<&'a str, By>, matchers: &'a BTreeMap<String, Matcher>) {
    for (key, matcher) in matchers {
        let by = match matcher {
            Matcher::Equals(_) => By::Value,
            Matcher::Type(_) | Matcher::Present(_) => By::Type,
            Matcher::Matches(_) => By::Other,
        };
        compared
            .entry(key)
            .and_modify(|known| {
                if *known != by {
                    *known = By::Other;
                }
            })
            .or_insert(by);
    }
}

/// The compared attributes; only the type of those that are compared by their type.
fn push_attributes(text: &mut String, found: &Attributes, compared: &HashMap<&str, By>) {
    let found = found.iter();
    let push = |text: &mut String, key: &str, value: &Value| match compared.get(key) {
        None => {}
        Some(By::Type) => {
            let _ = write!(text, "{key:?}{}", value.type_name());
        }
        Some(By::Value | By::Other) => {
            let _ = write!(text, "{key:?}{value:?}");
        }
    };
    text.push('[');
    found.for_each(|(key, value)| push(text, key, value));
    text.push(']');
}
