//! The gateway's endpoints: each has one request type, one response type, and
//! one span per request.

use std::future::ready;

use gateway_api::Visitor;
use telemetry::{EndpointLayer, KeyValue};
use tower::util::BoxCloneSyncService;
use tower::{Layer, service_fn};

use crate::Error;
use crate::service::Gateway;

/// Requests a greeting.
#[derive(Clone, Debug)]
pub(crate) struct HelloRequest {
    /// As the caller sent it.
    pub(crate) name: String,
}

/// Requests a visitor's entry in the directory.
#[derive(Clone, Debug)]
pub(crate) struct VisitorRequest {
    /// As the caller sent it.
    pub(crate) name: String,
}

/// Responds with the complete sentence.
pub(crate) type HelloEndpoint = BoxCloneSyncService<HelloRequest, String, Error>;

/// Responds with the visitor's display name and language.
pub(crate) type VisitorEndpoint = BoxCloneSyncService<VisitorRequest, Visitor, Error>;

/// The endpoint `hello`.
pub(crate) fn hello(gateway: Gateway) -> HelloEndpoint {
    let endpoint = service_fn(move |request: HelloRequest| {
        let gateway = gateway.clone();
        async move { gateway.hello(&request.name).await }
    });
    BoxCloneSyncService::new(EndpointLayer::new("hello").layer(endpoint))
}

/// The endpoint `visitor`. Its span has the visitor's language as an attribute.
pub(crate) fn visitor(gateway: Gateway) -> VisitorEndpoint {
    let directory = gateway.directory().clone();
    let language = move |request: &VisitorRequest| {
        let language = directory.language(&request.name).code();
        vec![KeyValue::new("visitor.language", language)]
    };
    let endpoint = service_fn(move |request: VisitorRequest| ready(gateway.visitor(&request.name)));
    let layer = EndpointLayer::new("visitor").attributes(language);
    BoxCloneSyncService::new(layer.layer(endpoint))
}
