//! The spans of a contract, with their events and links.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::matcher::{Matcher, Text};
use super::repeat::Repeat;
use super::status::StatusContract;
use super::yaml::{some, unique};
use crate::model::SpanKind;

/// What one span must be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawSpan")]
pub struct SpanContract {
    /// What the reader should know; it is not compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The service that makes the span: `service.name` of its resource.
    pub service: Text,
    /// Its side of a call.
    pub kind: SpanKind,
    /// Its name.
    pub name: Text,
    /// How it ends. Without it, anything but an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<StatusContract>,
    /// W3C `tracestate`, as one text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracestate: Option<Text>,
    /// Attributes that it must carry; it may carry others.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, Matcher>,
    /// Attributes that its resource must carry; it may carry others.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub resource: BTreeMap<String, Matcher>,
    /// All its events in the order of time. Without it, any events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<EventContract>>,
    /// All its links in any order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<LinkContract>,
    /// How often such a span is among its siblings.
    #[serde(skip_serializing_if = "Repeat::is_once")]
    pub repeat: Repeat,
    /// Whether it may be missing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// Whether it may have children that are not declared.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
    /// All its children in any order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<SpanContract>,
}

impl SpanContract {
    /// A span that must be there once, without children, links or an error.
    pub fn new(service: impl Into<Text>, kind: SpanKind, name: impl Into<Text>) -> Self {
        Self {
            description: None,
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

    /// Service, kind and name, as reports write them.
    pub fn title(&self) -> String {
        format!("{} {} {}", self.service, self.kind, self.name)
    }

    /// The least and the greatest number of such spans among their siblings.
    pub fn times(&self) -> (usize, usize) {
        let min = if self.optional { 0 } else { self.repeat.min() };
        (min, self.repeat.max())
    }
}

/// A span as it is written, before what goes together is checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(
    feature = "schema",
    schemars(rename = "Span", description = "One span, with those below it.")
)]
pub(super) struct RawSpan {
    /// What the reader should know; it is not compared.
    #[serde(
        default,
        deserialize_with = "some",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    description: Option<String>,
    /// The service that makes the span: `service.name` of its resource.
    service: Text,
    /// The span's side of a call.
    kind: SpanKind,
    /// The span's name.
    name: Text,
    /// How the span ends. Without it: anything but an error.
    #[serde(
        default,
        deserialize_with = "some",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "StatusContract"))]
    status: Option<StatusContract>,
    /// W3C `tracestate` of the span, as one text; `""` when there must be none.
    #[serde(
        default,
        deserialize_with = "some",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Text"))]
    tracestate: Option<Text>,
    /// Attributes that the span must carry. It may carry others.
    #[serde(default, deserialize_with = "unique")]
    attributes: BTreeMap<String, Matcher>,
    /// Attributes that the span's resource must carry. It may carry others.
    #[serde(default, deserialize_with = "unique")]
    resource: BTreeMap<String, Matcher>,
    /// All events of the span in the order of time. Without it: any events.
    #[serde(
        default,
        deserialize_with = "some",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<EventContract>"))]
    events: Option<Vec<EventContract>>,
    /// All links of the span in any order. Without it: no links.
    #[serde(default)]
    links: Vec<LinkContract>,
    /// How often such a span is among its siblings: `3`, or `1..3`. Without it: once.
    #[serde(
        default,
        deserialize_with = "some",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Repeat"))]
    repeat: Option<Repeat>,
    /// Whether the span may be missing.
    #[serde(default)]
    optional: bool,
    /// Whether the span may have children that are not declared, with any spans below them.
    #[serde(default)]
    more: bool,
    /// All children of the span in any order. Without it: no children.
    #[serde(default)]
    children: Vec<SpanContract>,
}

impl TryFrom<RawSpan> for SpanContract {
    type Error = String;

    fn try_from(raw: RawSpan) -> Result<Self, String> {
        if raw.optional && raw.repeat.is_some_and(|repeat| repeat.min() > 1) {
            return Err(
                "`optional: true` beside a `repeat` of more than one leaves open \
                        what may be missing: write repeat: 0..N"
                    .to_owned(),
            );
        }
        Ok(Self {
            description: raw.description,
            service: raw.service,
            kind: raw.kind,
            name: raw.name,
            status: raw.status,
            tracestate: raw.tracestate,
            attributes: raw.attributes,
            resource: raw.resource,
            events: raw.events,
            links: raw.links,
            repeat: raw.repeat.unwrap_or_default(),
            optional: raw.optional,
            more: raw.more,
            children: raw.children,
        })
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for SpanContract {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        RawSpan::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        RawSpan::json_schema(generator)
    }
}

/// What one event must be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Event"))]
pub struct EventContract {
    /// The event's name.
    pub name: Text,
    /// Attributes that the event must carry. It may carry others.
    #[serde(
        default,
        deserialize_with = "unique",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub attributes: BTreeMap<String, Matcher>,
}

/// What one link must be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Link"))]
pub struct LinkContract {
    /// Where the link points to.
    pub to: LinkTarget,
    /// Attributes that the link must carry. It may carry others.
    #[serde(
        default,
        deserialize_with = "unique",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub attributes: BTreeMap<String, Matcher>,
}

/// Where a link points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum LinkTarget {
    /// The caller: trace and span of the `traceparent` that the request was sent with.
    Caller,
    /// A span of the same trace.
    ThisTrace,
    /// A span of another trace, whichever.
    OtherTrace,
}
