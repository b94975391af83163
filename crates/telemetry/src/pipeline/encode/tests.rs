//! The encoding compared with opentelemetry-proto's.

use std::borrow::Cow;
use std::time::{Duration, UNIX_EPOCH};

use opentelemetry::trace::{TraceFlags, TraceId};
use opentelemetry::{Array, Key, KeyValue, StringValue, Value};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::{ScopeSpans, Span};
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::trace::{SpanEvents, SpanLinks};
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;

use super::*;

fn values() -> impl Strategy<Value = Value> {
    let text = || prop_oneof![".{0,40}", "[ -~]{100,150}"];
    prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::I64),
        any::<f64>().prop_map(Value::F64),
        text().prop_map(|text| Value::String(text.into())),
        vec(any::<bool>(), 0..4).prop_map(|values| Value::Array(Array::Bool(values))),
        vec(any::<i64>(), 0..4).prop_map(|values| Value::Array(Array::I64(values))),
        vec(any::<f64>(), 0..4).prop_map(|values| Value::Array(Array::F64(values))),
        vec(text().prop_map(StringValue::from), 0..4)
            .prop_map(|values| Value::Array(Array::String(values))),
    ]
}

fn some_attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    vec(
        ("[a-z.]{0,20}", values()).prop_map(|(key, value)| KeyValue::new(Key::from(key), value)),
        0..6,
    )
}

fn contexts() -> impl Strategy<Value = SpanContext> {
    let state = vec(("[a-z]{1,8}", "[a-z0-9]{1,8}"), 0..3);
    (
        any::<u128>(),
        any::<u64>(),
        any::<u8>(),
        any::<bool>(),
        state,
    )
        .prop_map(|(trace, span, flags, remote, state)| {
            let state = TraceState::from_key_value(state).unwrap_or_default();
            SpanContext::new(
                TraceId::from(trace),
                SpanId::from(span),
                TraceFlags::new(flags),
                remote,
                state,
            )
        })
}

fn times() -> impl Strategy<Value = SystemTime> {
    (0..u64::MAX / 2).prop_map(|nanos| UNIX_EPOCH + Duration::from_nanos(nanos))
}

fn spans() -> impl Strategy<Value = SpanData> {
    let status = prop_oneof![
        Just(Status::Unset),
        Just(Status::Ok),
        ".{0,30}".prop_map(|text| Status::Error {
            description: Cow::Owned(text)
        }),
    ];
    let kinds = prop_oneof![
        Just(SpanKind::Internal),
        Just(SpanKind::Server),
        Just(SpanKind::Client),
        Just(SpanKind::Producer),
        Just(SpanKind::Consumer),
    ];
    let events = vec((".{0,20}", times(), some_attributes(), any::<u32>()), 0..3);
    let links = vec((contexts(), some_attributes(), any::<u32>()), 0..3);
    let parent = (prop_oneof![Just(0), any::<u64>()], any::<bool>());
    let counts = (any::<u32>(), any::<u32>(), 0_u32..3);
    (
        (contexts(), parent, kinds, ".{0,200}", times(), times()),
        (some_attributes(), events, links, status, counts),
    )
        .prop_map(
            |((span_context, parent, span_kind, name, start_time, end_time), rest)| {
                let (attributes, events, links, status, counts) = rest;
                let mut span_events = SpanEvents::default();
                span_events.events = events
                    .into_iter()
                    .map(|(name, time, attributes, dropped)| {
                        Event::new(name, time, attributes, dropped)
                    })
                    .collect();
                span_events.dropped_count = counts.1;
                let mut span_links = SpanLinks::default();
                span_links.links = links
                    .into_iter()
                    .map(|(context, attributes, dropped)| Link::new(context, attributes, dropped))
                    .collect();
                span_links.dropped_count = counts.2;
                SpanData {
                    span_context,
                    parent_span_id: SpanId::from(parent.0),
                    parent_span_is_remote: parent.1,
                    span_kind,
                    name: name.into(),
                    start_time,
                    end_time,
                    attributes,
                    dropped_attributes_count: counts.0,
                    events: span_events,
                    links: span_links,
                    status,
                    instrumentation_scope: InstrumentationScope::builder("scope")
                        .with_version("1.2")
                        .build(),
                }
            },
        )
}

/// opentelemetry-proto's order of scopes is that of a hash map.
fn in_order(mut request: ExportTraceServiceRequest) -> ExportTraceServiceRequest {
    for resource_spans in &mut request.resource_spans {
        let name = |it: &ScopeSpans| it.scope.as_ref().map(|scope| scope.name.clone());
        resource_spans.scope_spans.sort_by_key(name);
    }
    request
}

proptest! {
    #[test]
    fn every_span_is_encoded_as_opentelemetry_proto_encodes_it(data in spans()) {
        let plain = Span::from(data.clone()).encode_to_vec();
        prop_assert_eq!(span(data, ValueLimit::default()).bytes, plain);
    }

    #[test]
    fn a_request_is_the_one_that_opentelemetry_proto_makes(mut batch in vec(spans(), 1..5)) {
        let other_scope = InstrumentationScope::builder("other").build();
        batch[0].instrumentation_scope = other_scope;
        let resource_of = Resource::builder_empty().with_attributes([KeyValue::new("service.name", "x")]).build();
        let encoded: Vec<_> = batch.iter().map(|data| span(data.clone(), ValueLimit::default())).collect();
        let ours = request(&resource(&resource_of), &encoded);
        let resource_spans =
            group_spans_by_resource_and_scope(batch, &ResourceAttributesWithSchema::from(&resource_of));
        let theirs = ExportTraceServiceRequest { resource_spans };
        prop_assert_eq!(in_order(ExportTraceServiceRequest::decode(ours.as_slice()).unwrap()), in_order(theirs));
    }

    #[test]
    fn a_value_limit_truncates_strings_and_nothing_else(data in spans(), limit in 0_usize..10) {
        let encoded = span(data.clone(), ValueLimit(Some(limit)));
        let decoded = Span::decode(encoded.bytes.as_slice()).unwrap();
        for (attribute, original) in decoded.attributes.iter().zip(&data.attributes) {
            prop_assert_eq!(&attribute.key, original.key.as_str());
            if let (Value::String(original), Some(value)) = (&original.value, &attribute.value) {
                let kept: String = original.as_str().chars().take(limit).collect();
                prop_assert_eq!(&value.value, &Some(Any::StringValue(kept)));
            }
        }
        prop_assert_eq!(decoded.name, data.name);
    }
}
