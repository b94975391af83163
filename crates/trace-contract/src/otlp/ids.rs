//! OTLP's messages, reduced to the resource and the ids of spans; prost skips all other
//! fields.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1 as otlp;

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Request {
    #[prost(message, repeated, tag = "1")]
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ScopeSpans {
    #[prost(message, repeated, tag = "2")]
    spans: Vec<Span>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Span {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    span_id: Vec<u8>,
}

impl From<Request> for ExportTraceServiceRequest {
    fn from(request: Request) -> Self {
        let resource_spans = request.resource_spans.into_iter();
        Self {
            resource_spans: resource_spans.map(Into::into).collect(),
        }
    }
}

impl From<ResourceSpans> for otlp::ResourceSpans {
    fn from(group: ResourceSpans) -> Self {
        Self {
            resource: group.resource,
            scope_spans: group.scope_spans.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }
}

impl From<ScopeSpans> for otlp::ScopeSpans {
    fn from(group: ScopeSpans) -> Self {
        Self {
            spans: group.spans.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }
}

impl From<Span> for otlp::Span {
    fn from(span: Span) -> Self {
        Self {
            trace_id: span.trace_id,
            span_id: span.span_id,
            ..Self::default()
        }
    }
}
