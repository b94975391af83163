//! The gateway's endpoints: each one request type, one answer type, one span.

use std::future::ready;

use gateway_api::Visitor;
use server::Endpoint;
use telemetry::{EndpointLayer, KeyValue};
use tower::Layer;

use crate::Error;
use crate::service::Gateway;

/// Asks for a greeting.
#[derive(Clone, Debug)]
pub(crate) struct HelloRequest {
    /// As the caller wrote it.
    pub(crate) name: String,
}

/// Asks who a visitor is.
#[derive(Clone, Debug)]
pub(crate) struct VisitorRequest {
    /// As the caller wrote it.
    pub(crate) name: String,
}

/// The endpoint `hello`; answers with the sentence.
pub(crate) fn hello(gateway: Gateway) -> impl Endpoint<HelloRequest, String, Error> {
    let endpoint = tower::service_fn(move |request: HelloRequest| {
        let gateway = gateway.clone();
        async move { gateway.hello(&request.name).await }
    });
    EndpointLayer::new("hello").layer(endpoint)
}

/// The endpoint `visitor`; its span says in which language the visitor is greeted.
pub(crate) fn visitor(gateway: Gateway) -> impl Endpoint<VisitorRequest, Visitor, Error> {
    let directory = gateway.directory().clone();
    let language = move |request: &VisitorRequest| {
        let language = directory.language(&request.name).code();
        vec![KeyValue::new("visitor.language", language)]
    };
    let endpoint =
        tower::service_fn(move |request: VisitorRequest| ready(gateway.visitor(&request.name)));
    EndpointLayer::new("visitor")
        .attributes(language)
        .layer(endpoint)
}
