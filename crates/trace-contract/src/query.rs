//! Queries to the HTTP API of a backend, and why they fail.

use std::time::Duration;

use http::StatusCode;
use url::Url;

use crate::client::{self, ClientOptions};
use crate::redact::{self, UrlError};
use crate::text::truncate;

/// The timeout of one query.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The maximum size of a response: 64 MiB.
pub(crate) const MAX_RESPONSE_BYTES: u64 = 64 << 20;

/// A backend that stores traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Backend {
    pub(crate) name: &'static str,
    /// An example of its URL.
    pub(crate) example: &'static str,
}

/// Why a query failed.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The URL is not supported.
    #[error("{backend}'s URL: {cause}")]
    Url {
        /// The name of the backend.
        backend: &'static str,
        /// What is not supported.
        cause: UrlError,
    },
    /// No response.
    #[error("cannot reach {backend} at {url}: {cause}. {hint}")]
    Unreachable {
        /// The name of the backend.
        backend: &'static str,
        /// The base URL, without credentials.
        url: String,
        /// The cause.
        cause: String,
        /// What to do.
        hint: String,
    },
    /// An error response.
    #[error("{backend} responded {status} to {url}: {body}{hint}")]
    ErrorStatus {
        /// The name of the backend.
        backend: &'static str,
        /// The URL of the query, without credentials.
        url: String,
        /// The status.
        status: StatusCode,
        /// The beginning of the body.
        body: String,
        /// What to do, if it is known; starts with a separator.
        hint: &'static str,
    },
    /// A response that does not come from the API of the backend.
    #[error(
        "{url} did not respond like {backend}'s API: {found}. Is this a {backend} query URL, such as {example}?"
    )]
    Unexpected {
        /// The name of the backend.
        backend: &'static str,
        /// An example of its URL.
        example: &'static str,
        /// The URL of the query, without credentials.
        url: String,
        /// What the response contains.
        found: String,
    },
    /// A response that is larger than the limit.
    #[error(
        "the response to {url} is larger than {limit} bytes: this trace is too large to check, or the response is not a trace"
    )]
    TooLarge {
        /// The URL of the query, without credentials.
        url: String,
        /// The limit in bytes.
        limit: u64,
    },
}

impl QueryError {
    /// Whether a retry may succeed: the backend, or a proxy in front of it, may be
    /// starting. A wrong URL stays wrong.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { cause, .. } => !cause.contains("certificate"),
            Self::ErrorStatus { status, .. } => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
            Self::Url { .. } | Self::Unexpected { .. } | Self::TooLarge { .. } => false,
        }
    }
}

/// A client of a backend's API.
#[derive(Clone, Debug)]
pub(crate) struct QueryClient {
    backend: Backend,
    client: reqwest::Client,
    base: Url,
}

impl QueryClient {
    /// A client for the API at `url`, including the base path if there is one.
    pub(crate) fn new(
        backend: Backend,
        url: &str,
        options: &ClientOptions,
    ) -> Result<Self, QueryError> {
        let mut base =
            redact::parse(url, backend.example).map_err(|cause| url_error(backend, cause))?;
        base.set_query(None);
        base.set_fragment(None);
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let client = client::source(&base, options).and_then(|builder| {
            builder
                .timeout(TIMEOUT)
                .user_agent(concat!("trace-contract/", env!("CARGO_PKG_VERSION")))
                .build()
                .map_err(|error| redact::root_cause(&error))
        });
        let client = client.map_err(|cause| unreachable(backend, &base, cause))?;
        Ok(Self {
            backend,
            client,
            base,
        })
    }

    /// The base URL, without credentials.
    pub(crate) fn url(&self) -> String {
        redact::redacted(&self.base)
    }

    pub(crate) async fn get(&self, path: &str) -> Result<QueryResponse, QueryError> {
        let malformed = |error| UrlError::Malformed(error, self.backend.example);
        let url = self.base.join(path).map_err(malformed);
        let url = url.map_err(|cause| url_error(self.backend, cause))?;
        let shown = redact::redacted(&url);
        let failed = |error: reqwest::Error| {
            let cause = redact::root_cause(&error.without_url());
            unreachable(self.backend, &self.base, cause)
        };
        let response = self.client.get(url).send().await.map_err(failed)?;
        let status = response.status();
        let body = client::body(response, MAX_RESPONSE_BYTES)
            .await
            .map_err(failed)?;
        let Some(body) = body else {
            return Err(QueryError::TooLarge {
                url: shown,
                limit: MAX_RESPONSE_BYTES,
            });
        };
        Ok(QueryResponse {
            backend: self.backend,
            url: shown,
            status,
            body,
        })
    }
}

fn url_error(backend: Backend, cause: UrlError) -> QueryError {
    QueryError::Url {
        backend: backend.name,
        cause,
    }
}

fn unreachable(backend: Backend, url: &Url, cause: String) -> QueryError {
    let hint = if cause.contains("certificate") {
        "Use --ca with the certificate of its authority".to_owned()
    } else {
        format!(
            "Is it running, and is this its query URL, such as {}?",
            backend.example
        )
    };
    QueryError::Unreachable {
        backend: backend.name,
        url: redact::redacted(url),
        cause,
        hint,
    }
}

/// A response to a query.
pub(crate) struct QueryResponse {
    backend: Backend,
    url: String,
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
}

impl QueryResponse {
    /// Looks at the content, because Jaeger also sends JSON as `text/plain`.
    pub(crate) fn is_json(&self) -> bool {
        self.body.trim_ascii_start().first() == Some(&b'{')
    }

    /// The response, if it is JSON with the status 200.
    pub(crate) fn expect_json(self) -> Result<Self, QueryError> {
        if self.status != StatusCode::OK && (self.is_json() || self.is_refused()) {
            return Err(self.error_status());
        }
        if !self.is_json() {
            return Err(self.unexpected(format!("{} with {}", self.status, self.beginning())));
        }
        Ok(self)
    }

    /// Whether the status alone explains the error.
    fn is_refused(&self) -> bool {
        matches!(self.status.as_u16(), 401 | 403 | 429)
    }

    fn error_status(&self) -> QueryError {
        QueryError::ErrorStatus {
            backend: self.backend.name,
            url: self.url.clone(),
            status: self.status,
            body: self.beginning(),
            hint: match self.status.as_u16() {
                401 | 403 => ". Use --source-header 'Authorization: …' with a valid credential",
                _ => "",
            },
        }
    }

    pub(crate) fn unexpected(&self, found: String) -> QueryError {
        QueryError::Unexpected {
            backend: self.backend.name,
            example: self.backend.example,
            url: self.url.clone(),
            found,
        }
    }

    /// A body that cannot be read, such as one that is not JSON.
    pub(crate) fn malformed(&self, error: &dyn std::fmt::Display) -> QueryError {
        self.unexpected(format!("{error}, in {}", self.beginning()))
    }

    /// The beginning of the body, in quotes.
    pub(crate) fn beginning(&self) -> String {
        const MAX_CHARS: usize = 160;
        let text = String::from_utf8_lossy(&self.body);
        let text = text.trim();
        if text.is_empty() {
            return "an empty body".to_owned();
        }
        format!("{:?}", truncate(text, MAX_CHARS))
    }
}
