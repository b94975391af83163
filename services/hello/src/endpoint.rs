//! hello's endpoint: one request type, one response type, one span per request.

use telemetry::EndpointLayer;
use tower::util::BoxCloneSyncService;
use tower::{Layer, service_fn};

use crate::Error;
use crate::service::Greeter;

/// Requests a greeting.
#[derive(Clone, Debug)]
pub(crate) struct GreetRequest {
    /// As the caller sent it.
    pub(crate) name: String,
}

/// Responds with the complete sentence.
pub(crate) type GreetEndpoint = BoxCloneSyncService<GreetRequest, String, Error>;

/// The endpoint `greet`.
pub(crate) fn greet(greeter: Greeter) -> GreetEndpoint {
    let endpoint = service_fn(move |request: GreetRequest| {
        let greeter = greeter.clone();
        async move { greeter.greet(&request.name).await }
    });
    BoxCloneSyncService::new(EndpointLayer::new("greet").layer(endpoint))
}
