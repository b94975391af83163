//! Reads traces from Grafana Tempo, by `/api/traces` of its query frontend.

use http::StatusCode;

use crate::client::ClientOptions;
use crate::formats;
use crate::ids::TraceId;
use crate::model::Trace;
use crate::query::{Backend, MAX_RESPONSE_BYTES, QueryClient, QueryError, QueryResponse};

const BACKEND: Backend = Backend {
    name: "Tempo",
    example: "http://127.0.0.1:3200",
};

/// A client of Tempo's query frontend.
#[derive(Clone, Debug)]
pub struct Tempo(QueryClient);

impl Tempo {
    /// A client for the query frontend at `url`, such as `http://127.0.0.1:3200`,
    /// including the base path if there is one. A system with several tenants needs the
    /// header `X-Scope-OrgID`.
    ///
    /// # Errors
    /// When `url` is not a supported URL.
    pub fn new(url: &str, options: &ClientOptions) -> Result<Self, QueryError> {
        QueryClient::new(BACKEND, url, options).map(Self)
    }

    /// The base URL, without credentials.
    pub fn url(&self) -> String {
        self.0.url()
    }

    /// The spans of the trace that Tempo has stored so far; `None` if it has none.
    ///
    /// # Errors
    /// When Tempo cannot be reached or its response is invalid.
    pub async fn trace(&self, id: TraceId) -> Result<Option<Trace>, QueryError> {
        let response = self.0.get(&format!("api/traces/{id}")).await?;
        if is_unknown_trace(&response) {
            return Ok(None);
        }
        let response = response.expect_json()?;
        let contents = formats::read(&response.body, MAX_RESPONSE_BYTES)
            .map_err(|error| response.malformed(&error))?;
        let trace = Trace::new(id, contents.spans);
        Ok((!trace.spans().is_empty()).then_some(trace))
    }
}

/// Tempo responds to an unknown id with 404 and an empty body or a short text. Servers
/// that do not have this path also respond 404, with a page or Go's `404 page not found`.
fn is_unknown_trace(response: &QueryResponse) -> bool {
    let body = response.body.trim_ascii().to_ascii_lowercase();
    let is_other = body.starts_with(b"<") || body.starts_with(b"404 page not found");
    response.status == StatusCode::NOT_FOUND && !is_other
}
