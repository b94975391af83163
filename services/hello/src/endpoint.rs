//! hello's endpoint: one request type, one answer type, one span.

use server::Endpoint;
use telemetry::EndpointLayer;
use tower::Layer;

use crate::Error;
use crate::service::Greeter;

/// Asks for a greeting.
#[derive(Clone, Debug)]
pub(crate) struct GreetRequest {
    /// As the caller wrote it.
    pub(crate) name: String,
}

/// The endpoint `greet`; answers with the sentence.
pub(crate) fn greet(greeter: Greeter) -> impl Endpoint<GreetRequest, String, Error> {
    let endpoint = tower::service_fn(move |request: GreetRequest| {
        let greeter = greeter.clone();
        async move { greeter.greet(&request.name).await }
    });
    EndpointLayer::new("greet").layer(endpoint)
}
