//! Another service of the system, as its callers see it.

use std::pin::pin;
use std::sync::Arc;

use http::Extensions;
use reqwest::{Method, Request, Response};
use reqwest_middleware::ClientWithMiddleware;

use super::client::{self, ClientConfig};
use super::{BaseUrl, CallError, Route};
use crate::global;

/// Another service: where it answers, and the traced client that calls it.
/// Clones are cheap, and share their connections.
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
    /// The service that answers below `base`, called as `config` says.
    ///
    /// # Errors
    /// Where the platform cannot give an HTTP client.
    pub fn new(base: BaseUrl, config: &ClientConfig) -> Result<Self, CallError> {
        let http = client::of_peer(&base, config)?;
        let shared = Arc::new(Shared { base, http });
        Ok(Self { shared })
    }

    /// A request to the service, for the URL that [`BaseUrl::join`] gives.
    pub fn request(&self, method: Method, segments: &[&str]) -> Request {
        Request::new(method, self.shared.base.join(segments))
    }

    /// Gets what is at the path of these segments.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn get(&self, route: Route, segments: &[&str]) -> Result<Response, CallError> {
        let mut extensions = named_by(route);
        // Made where it is used: a request is large to move, into a future above all.
        let request = self.request(Method::GET, segments);
        let http = &self.shared.http;
        Ok(pin!(http.execute_with_extensions(request, &mut extensions)).await?)
    }

    /// Sends a request; the call's span is named by `route`.
    ///
    /// # Errors
    /// Where there is no answer, after the retries that the config allows.
    /// Answers of every status come back as `Ok`.
    pub async fn send(&self, route: Route, request: Request) -> Result<Response, CallError> {
        let mut extensions = named_by(route);
        let http = &self.shared.http;
        Ok(pin!(http.execute_with_extensions(request, &mut extensions)).await?)
    }
}

/// What names a call's span, where spans are made.
fn named_by(route: Route) -> Extensions {
    let mut extensions = Extensions::new();
    if global::tracer().is_some() {
        extensions.insert(route);
    }
    extensions
}
