//! The spans of a contract, with their events and links.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::matcher::{Matcher, Text};
use super::repeat::Repeat;
use super::status::StatusContract;
use super::yaml::{some, unique};
use crate::model::SpanKind;

/// What one span must be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(
    feature = "schema",
    schemars(rename = "Span", description = "A span and its children.")
)]
pub struct SpanContract {
    /// A note for readers; not compared.
    #[serde(
        default,
        deserialize_with = "some",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub description: Option<String>,
    /// How deep the span is in the tree, from 0. Only in the flat form of a contract:
    /// `spans:` with all spans, depth first.
    #[serde(
        default,
        deserialize_with = "some",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "usize"))]
    pub depth: Option<usize>,
    /// The service that creates the span: `service.name` of its resource.
    pub service: Text,
    /// The span kind.
    pub kind: SpanKind,
    /// The span name.
    pub name: Text,
    /// The status. Default: any status except an error.
    #[serde(
        default,
        deserialize_with = "some",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "StatusContract"))]
    pub status: Option<StatusContract>,
    /// The W3C `tracestate`, as one string; `""` if the span must not have one.
    #[serde(
        default,
        deserialize_with = "some",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Text"))]
    pub tracestate: Option<Text>,
    /// Required attributes of the span; others are allowed.
    #[serde(
        default,
        deserialize_with = "unique",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub attributes: BTreeMap<String, Matcher>,
    /// Required attributes of the span's resource; others are allowed.
    #[serde(
        default,
        deserialize_with = "unique",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub resource: BTreeMap<String, Matcher>,
    /// All events of the span, in the order of time. Default: any events.
    #[serde(
        default,
        deserialize_with = "some",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<EventContract>"))]
    pub events: Option<Vec<EventContract>>,
    /// All links of the span, in any order. Default: no links.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<LinkContract>,
    /// How often such a span occurs among its siblings: `3`, or `1..3`. Default: once.
    #[serde(default, skip_serializing_if = "Repeat::is_once")]
    pub repeat: Repeat,
    /// Whether the span may be missing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// Whether undeclared children are allowed, with any spans below them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
    /// All children of the span, in any order. Default: no children.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<SpanContract>,
}

impl SpanContract {
    /// A span that must occur once, without children, links or an error.
    pub fn new(service: impl Into<Text>, kind: SpanKind, name: impl Into<Text>) -> Self {
        Self {
            description: None,
            depth: None,
            service: service.into(),
            kind,
            name: name.into(),
            status: None,
            tracestate: None,
            attributes: BTreeMap::new(),
            resource: BTreeMap::new(),
            events: None,
            links: Vec::new(),
            repeat: Repeat::ONCE,
            optional: false,
            more: false,
            children: Vec::new(),
        }
    }

    /// Service, kind and name: how reports identify the span.
    pub fn title(&self) -> String {
        format!("{} {} {}", self.service, self.kind, self.name)
    }

    /// A copy without children.
    pub(super) fn without_children(&self) -> Self {
        Self {
            description: self.description.clone(),
            depth: self.depth,
            service: self.service.clone(),
            kind: self.kind,
            name: self.name.clone(),
            status: self.status.clone(),
            tracestate: self.tracestate.clone(),
            attributes: self.attributes.clone(),
            resource: self.resource.clone(),
            events: self.events.clone(),
            links: self.links.clone(),
            repeat: self.repeat,
            optional: self.optional,
            more: self.more,
            children: Vec::new(),
        }
    }

    /// Checks the combinations of the span's own fields.
    pub(super) fn validate(&self) -> Result<(), String> {
        if self.optional && self.repeat.min() > 1 {
            return Err(format!(
                "{}: `optional: true` is ambiguous with a `repeat` of more than one: \
                 write `repeat: 0..N` instead",
                self.title()
            ));
        }
        if self.depth.is_some() {
            return Err(format!(
                "{}: `depth` is only for spans in a list: add `spans:`, or remove `depth`",
                self.title()
            ));
        }
        Ok(())
    }

    /// The minimum and maximum number of such spans among their siblings.
    pub fn occurrences(&self) -> (usize, usize) {
        let min = if self.optional { 0 } else { self.repeat.min() };
        (min, self.repeat.max())
    }
}

/// A required event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Event"))]
pub struct EventContract {
    /// The name of the event.
    pub name: Text,
    /// Required attributes of the event; others are allowed.
    #[serde(
        default,
        deserialize_with = "unique",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub attributes: BTreeMap<String, Matcher>,
}

/// A required link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Link"))]
pub struct LinkContract {
    /// The target of the link.
    pub to: LinkTarget,
    /// Required attributes of the link; others are allowed.
    #[serde(
        default,
        deserialize_with = "unique",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub attributes: BTreeMap<String, Matcher>,
}

/// The target of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum LinkTarget {
    /// The caller: the trace and span of the `traceparent` that was sent.
    Caller,
    /// Any span of the same trace.
    ThisTrace,
    /// Any span of another trace.
    OtherTrace,
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
