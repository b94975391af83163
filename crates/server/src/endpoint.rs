//! The shape of an endpoint, for signatures.

use tower::Service;

/// A tower service from one request type to one answer type, ready to be
/// shared by all connections: what `endpoint.rs` makes and `http.rs` calls.
pub trait Endpoint<Request, Answer, Error>:
    Service<Request, Response = Answer, Error = Error, Future: Send> + Clone + Send + Sync + 'static
{
    /// The endpoint as the state of a router, for as long as the process runs.
    ///
    /// axum copies a router's state four times a request, and every copy of a
    /// counted reference is a write to memory that all threads share.
    fn for_good(self) -> &'static Self {
        Box::leak(Box::new(self))
    }
}

impl<E, Request, Answer, Error> Endpoint<Request, Answer, Error> for E where
    E: Service<Request, Response = Answer, Error = Error, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static
{
}
