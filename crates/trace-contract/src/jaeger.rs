//! Reads traces from Jaeger, by `/api/v3` of its query service.

use http::StatusCode;
use serde::Deserialize;

use crate::client::ClientOptions;
use crate::formats;
use crate::ids::TraceId;
use crate::model::Trace;
use crate::query::{Backend, MAX_RESPONSE_BYTES, QueryClient, QueryError};

const BACKEND: Backend = Backend {
    name: "Jaeger",
    example: "http://127.0.0.1:16686",
};

/// A client of Jaeger's query service.
#[derive(Clone, Debug)]
pub struct Jaeger(QueryClient);

#[derive(Deserialize)]
struct Services {
    /// Absent if Jaeger has no service yet.
    #[serde(default)]
    services: Vec<String>,
}

impl Jaeger {
    /// A client for the query service at `url`, such as `http://127.0.0.1:16686`,
    /// including the base path if there is one.
    ///
    /// # Errors
    /// When `url` is not a supported URL.
    pub fn new(url: &str) -> Result<Self, QueryError> {
        Self::with_options(url, &ClientOptions::default())
    }

    /// Like [`Jaeger::new`], with headers and certificate authorities.
    ///
    /// # Errors
    /// When `url` is not a supported URL.
    pub fn with_options(url: &str, options: &ClientOptions) -> Result<Self, QueryError> {
        QueryClient::new(BACKEND, url, options).map(Self)
    }

    /// The base URL, without credentials.
    pub fn url(&self) -> String {
        self.0.url()
    }

    /// The spans of the trace that Jaeger has stored so far; `None` if it has none.
    ///
    /// # Errors
    /// When Jaeger cannot be reached or its response is invalid.
    pub async fn trace(&self, id: TraceId) -> Result<Option<Trace>, QueryError> {
        let response = self.0.get(&format!("api/v3/traces/{id}")).await?;
        if response.status == StatusCode::NOT_FOUND && response.is_json() {
            return Ok(None);
        }
        let response = response.expect_json()?;
        let contents = formats::read(&response.body, MAX_RESPONSE_BYTES)
            .map_err(|error| response.malformed(&error))?;
        let trace = Trace::new(id, contents.spans);
        Ok((!trace.spans().is_empty()).then_some(trace))
    }

    /// The names of the services that Jaeger knows.
    ///
    /// # Errors
    /// When Jaeger cannot be reached or its response is invalid.
    pub async fn services(&self) -> Result<Vec<String>, QueryError> {
        let response = self.0.get("api/v3/services").await?.expect_json()?;
        let found: Services =
            serde_json::from_slice(&response.body).map_err(|error| response.malformed(&error))?;
        Ok(found.services)
    }
}
