//! The shape of an endpoint, for signatures.

use std::pin::pin;

use tower::{Service, ServiceExt};

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

    /// Asks a copy of the endpoint, once it is ready.
    ///
    /// As tower's `oneshot` does, whose future is moved once more for having two
    /// states; that of an endpoint holds all that happens inside.
    fn ask(&self, request: Request) -> impl Future<Output = Result<Answer, Error>> + Send
    where
        Request: Send,
    {
        let mut endpoint = self.clone();
        async move {
            let ready = endpoint.ready().await?;
            // Pinned where it is made: `await` by itself moves a future once more.
            pin!(ready.call(request)).await
        }
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
