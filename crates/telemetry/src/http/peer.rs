//! Another service of the system, as its callers see it.

use std::sync::Arc;

use http::Extensions;
use reqwest::{Method, Request, Response};
use reqwest_middleware::ClientWithMiddleware;

use super::base_url::BaseUrl;
use super::call_error::CallError;
use super::client::{ClientConfig, client};
use super::client_span::Route;

/// Another service: its base URL, and the traced client that calls it.
/// Clones are cheap and share their connections.
#[derive(Clone, Debug)]
pub struct Peer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    base: BaseUrl,
    http: ClientWithMiddleware,
}

impl Peer {
    /// The service at `base`.
    ///
    /// # Errors
    /// If reqwest cannot create a client on this platform.
    pub fn new(base: BaseUrl, config: &ClientConfig) -> Result<Self, CallError> {
        let http = client(config)?;
        let shared = Arc::new(Shared { base, http });
        Ok(Self { shared })
    }

    /// A request to the service, with the URL that [`BaseUrl::join`] returns.
    pub fn request(&self, method: Method, segments: &[&str]) -> Request {
        Request::new(method, self.shared.base.join(segments))
    }

    /// Sends a GET request for the path of these segments; `route` names the
    /// call's span.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn get(&self, route: Route, segments: &[&str]) -> Result<Response, CallError> {
        self.send(route, self.request(Method::GET, segments)).await
    }

    /// Sends a request; `route` names the call's span.
    ///
    /// # Errors
    /// If no response was received, after the retries that the config allows.
    /// A response of any status is `Ok`.
    pub async fn send(&self, route: Route, request: Request) -> Result<Response, CallError> {
        let mut extensions = Extensions::new();
        extensions.insert(route);
        let http = &self.shared.http;
        Ok(http
            .execute_with_extensions(request, &mut extensions)
            .await?)
    }
}
