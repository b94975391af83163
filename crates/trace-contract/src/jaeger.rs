//! Traces out of Jaeger by the `/api/v3` of its query service.

use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use url::Url;

use crate::ids::TraceId;
use crate::model::Trace;
use crate::otlp::{self, OtlpError};
use crate::redact::{self, UrlError};

/// A query that has not answered by then will not.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Attributes that Jaeger adds to what was sent, such as that it did not adjust a clock.
const REMARKS: &str = "@jaeger@";
const LIKE: &str = "http://127.0.0.1:16686";

/// A client of Jaeger's query service.
#[derive(Clone, Debug)]
pub struct Jaeger {
    client: reqwest::Client,
    base: Url,
}

/// Why Jaeger could not be asked, or what it answered instead of a trace.
#[derive(Debug, thiserror::Error)]
pub enum JaegerError {
    /// The URL cannot be used.
    #[error("Jaeger's URL: {0}")]
    Url(#[from] UrlError),
    /// No answer.
    #[error(
        "cannot reach Jaeger at {url}: {cause}. Is it running, and is this its query URL (port 16686)?"
    )]
    Unreachable {
        /// Where it was looked for.
        url: String,
        /// What the network said.
        cause: String,
    },
    /// An answer that says no.
    #[error("Jaeger at {url} answered {status}: {body}")]
    Refused {
        /// What was asked.
        url: String,
        /// The status.
        status: StatusCode,
        /// The beginning of the body.
        body: String,
    },
    /// An answer that is no answer of the API.
    #[error(
        "{url} did not answer as Jaeger's API: {found}. Is this a Jaeger query URL, like {LIKE}?"
    )]
    NotJaeger {
        /// What was asked.
        url: String,
        /// What came.
        found: String,
    },
}

#[derive(Deserialize)]
struct Services {
    /// Left out where there are none yet.
    #[serde(default)]
    services: Vec<String>,
}

impl Jaeger {
    /// A client for the query service at `url`, such as `http://127.0.0.1:16686`;
    /// with the base path, where Jaeger is served below one.
    ///
    /// # Errors
    /// When `url` is no URL that can be used.
    pub fn new(url: &str) -> Result<Self, JaegerError> {
        let mut base = redact::parse(url, LIKE)?;
        base.set_query(None);
        base.set_fragment(None);
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .user_agent(concat!("trace-contract/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| JaegerError::Unreachable {
                url: redact::shown(&base),
                cause: redact::cause(&error),
            })?;
        Ok(Self { client, base })
    }

    /// Where it is, without credentials.
    pub fn url(&self) -> String {
        redact::shown(&self.base)
    }

    /// The spans of a trace that Jaeger has so far; `None` when it has none.
    ///
    /// # Errors
    /// When Jaeger cannot be asked or does not answer as its API does.
    pub async fn trace(&self, id: TraceId) -> Result<Option<Trace>, JaegerError> {
        let answer = self.get(&format!("api/v3/traces/{id}")).await?;
        if answer.status == StatusCode::NOT_FOUND && answer.is_json() {
            return Ok(None);
        }
        let answer = answer.expect_json()?;
        let mut spans = otlp::from_json(&answer.body).map_err(|error| answer.malformed(&error))?;
        for span in &mut spans {
            span.attributes.retain(|key, _| !key.starts_with(REMARKS));
            // Jaeger gives them in the order of their names.
            span.events.sort_by_key(|event| event.time);
        }
        let trace = Trace::new(id, spans);
        Ok((!trace.spans().is_empty()).then_some(trace))
    }

    /// The names of the services that Jaeger knows.
    ///
    /// # Errors
    /// When Jaeger cannot be asked or does not answer as its API does.
    pub async fn services(&self) -> Result<Vec<String>, JaegerError> {
        let answer = self.get("api/v3/services").await?.expect_json()?;
        let found: Services = serde_json::from_slice(&answer.body)
            .map_err(|error| answer.malformed(&OtlpError::Json(error)))?;
        Ok(found.services)
    }

    async fn get(&self, path: &str) -> Result<Answer, JaegerError> {
        let url = self
            .base
            .join(path)
            .map_err(|error| UrlError::Malformed(error, LIKE))?;
        let shown = redact::shown(&url);
        let unreachable = |error: reqwest::Error| JaegerError::Unreachable {
            url: self.url(),
            cause: redact::cause(&error.without_url()),
        };
        let response = self.client.get(url).send().await.map_err(unreachable)?;
        Ok(Answer {
            status: response.status(),
            body: response.bytes().await.map_err(unreachable)?,
            url: shown,
        })
    }
}

struct Answer {
    url: String,
    status: StatusCode,
    body: bytes::Bytes,
}

impl Answer {
    /// By the content: Jaeger sends JSON as `text/plain`, too.
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
            return Err(JaegerError::Refused {
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
        const SHOWN: usize = 160;
        let text = String::from_utf8_lossy(&self.body);
        let text = text.trim();
        if text.is_empty() {
            return "an empty body".to_owned();
        }
        format!("{:?}", crate::report::cut(text, SHOWN))
    }
}
