//! Reads traces from Jaeger, by `/api/v3` of its query service.

use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use url::Url;

use crate::client;
use crate::formats;
use crate::ids::TraceId;
use crate::model::Trace;
use crate::otlp::{self, OtlpError};
use crate::redact::{self, UrlError};
use crate::text::truncate;

/// The timeout of one query.
const TIMEOUT: Duration = Duration::from_secs(10);
const EXAMPLE: &str = "http://127.0.0.1:16686";

/// A client of Jaeger's query service.
#[derive(Clone, Debug)]
pub struct Jaeger {
    client: reqwest::Client,
    base: Url,
}

/// Why a query failed.
#[derive(Debug, thiserror::Error)]
pub enum JaegerError {
    /// The URL is not supported.
    #[error("Jaeger's URL: {0}")]
    Url(#[from] UrlError),
    /// No response.
    #[error(
        "cannot reach Jaeger at {url}: {cause}. Is it running, and is this its query URL (port 16686)?"
    )]
    Unreachable {
        /// The base URL, without credentials.
        url: String,
        /// The cause.
        cause: String,
    },
    /// An error response.
    #[error("Jaeger responded {status} to {url}: {body}")]
    ErrorStatus {
        /// The URL of the query, without credentials.
        url: String,
        /// The status.
        status: StatusCode,
        /// The beginning of the body.
        body: String,
    },
    /// A response that does not come from Jaeger's API.
    #[error(
        "{url} did not respond like Jaeger's API: {found}. Is this a Jaeger query URL, such as {EXAMPLE}?"
    )]
    NotJaeger {
        /// The URL of the query, without credentials.
        url: String,
        /// What the response contains.
        found: String,
    },
}

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
    pub fn new(url: &str) -> Result<Self, JaegerError> {
        let mut base = redact::parse(url, EXAMPLE)?;
        base.set_query(None);
        base.set_fragment(None);
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let client = client::builder(&base)
            .timeout(TIMEOUT)
            .user_agent(concat!("trace-contract/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| JaegerError::Unreachable {
                url: redact::redacted(&base),
                cause: redact::root_cause(&error),
            })?;
        Ok(Self { client, base })
    }

    /// The base URL, without credentials.
    pub fn url(&self) -> String {
        redact::redacted(&self.base)
    }

    /// The spans of the trace that Jaeger has stored so far; `None` if it has none.
    ///
    /// # Errors
    /// When Jaeger cannot be reached or its response is invalid.
    pub async fn trace(&self, id: TraceId) -> Result<Option<Trace>, JaegerError> {
        let response = self.get(&format!("api/v3/traces/{id}")).await?;
        if response.status == StatusCode::NOT_FOUND && response.is_json() {
            return Ok(None);
        }
        let response = response.expect_json()?;
        let mut spans =
            otlp::from_json(&response.body).map_err(|error| response.malformed(&error))?;
        for span in &mut spans {
            formats::remove_additions(span);
        }
        let trace = Trace::new(id, spans);
        Ok((!trace.spans().is_empty()).then_some(trace))
    }

    /// The names of the services that Jaeger knows.
    ///
    /// # Errors
    /// When Jaeger cannot be reached or its response is invalid.
    pub async fn services(&self) -> Result<Vec<String>, JaegerError> {
        let response = self.get("api/v3/services").await?.expect_json()?;
        let found: Services = serde_json::from_slice(&response.body)
            .map_err(|error| response.malformed(&OtlpError::Json(error)))?;
        Ok(found.services)
    }

    async fn get(&self, path: &str) -> Result<QueryResponse, JaegerError> {
        let url = self
            .base
            .join(path)
            .map_err(|error| UrlError::Malformed(error, EXAMPLE))?;
        let shown = redact::redacted(&url);
        let unreachable = |error: reqwest::Error| JaegerError::Unreachable {
            url: self.url(),
            cause: redact::root_cause(&error.without_url()),
        };
        let response = self.client.get(url).send().await.map_err(unreachable)?;
        Ok(QueryResponse {
            status: response.status(),
            body: response.bytes().await.map_err(unreachable)?,
            url: shown,
        })
    }
}

struct QueryResponse {
    url: String,
    status: StatusCode,
    body: bytes::Bytes,
}

impl QueryResponse {
    /// Looks at the content, because Jaeger also sends JSON as `text/plain`.
    fn is_json(&self) -> bool {
        self.body.trim_ascii_start().first() == Some(&b'{')
    }

    fn expect_json(self) -> Result<Self, JaegerError> {
        if !self.is_json() {
            return Err(JaegerError::NotJaeger {
                found: format!("{} with {}", self.status, self.beginning()),
                url: self.url,
            });
        }
        if self.status != StatusCode::OK {
            return Err(JaegerError::ErrorStatus {
                body: self.beginning(),
                status: self.status,
                url: self.url,
            });
        }
        Ok(self)
    }

    fn malformed(&self, error: &OtlpError) -> JaegerError {
        JaegerError::NotJaeger {
            url: self.url.clone(),
            found: format!("{error}, in {}", self.beginning()),
        }
    }

    fn beginning(&self) -> String {
        const MAX_CHARS: usize = 160;
        let text = String::from_utf8_lossy(&self.body);
        let text = text.trim();
        if text.is_empty() {
            return "an empty body".to_owned();
        }
        format!("{:?}", truncate(text, MAX_CHARS))
    }
}
