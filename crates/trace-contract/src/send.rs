//! Sends one request with a `traceparent`, so that its trace id is known in advance.

use std::time::Duration;

use http::header::USER_AGENT;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use url::Url;

use crate::client::{self, Authorities};
use crate::redact::{self, UrlError};
use crate::traceparent::TraceParent;

const EXAMPLE: &str = "http://127.0.0.1:8080/hello";
const TRACEPARENT: &str = "traceparent";
/// The rest of a larger response body is discarded.
const BODY_LIMIT: usize = 64 * 1024;

/// A request that is sent with its own `traceparent`.
#[derive(Clone, Debug)]
pub struct Request {
    url: Url,
    method: Method,
    headers: HeaderMap,
    body: Vec<u8>,
    traceparent: TraceParent,
    timeout: Duration,
    ca: Authorities,
}

/// The response to a [`Request`].
#[derive(Clone, Debug)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The first 64 KiB of the body.
    pub body: Vec<u8>,
}

/// Why a request is invalid or got no response.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The URL is not supported.
    #[error("the request's URL: {0}")]
    Url(#[from] UrlError),
    /// A header is invalid. The message omits the value, which may be a secret.
    #[error("the header {0:?} is invalid: write it as 'Name: value'")]
    Header(String),
    /// The header `traceparent` is set by [`Request::with_traceparent`].
    #[error("the header traceparent is set automatically: remove it")]
    TraceParent,
    /// The method is invalid.
    #[error("{0:?} is not a valid method: expected a method such as GET")]
    Method(String),
    /// No response.
    #[error("no response from {url}: {cause}")]
    NoResponse {
        /// The URL, without credentials and query.
        url: String,
        /// The cause.
        cause: String,
    },
}

impl Request {
    /// `GET url`, with a new trace that is sampled.
    ///
    /// # Errors
    /// When `url` is not a supported URL.
    pub fn get(url: &str) -> Result<Self, SendError> {
        Ok(Self {
            url: redact::parse(url, EXAMPLE)?,
            method: Method::GET,
            headers: HeaderMap::new(),
            body: Vec::new(),
            traceparent: TraceParent::generate(),
            timeout: Duration::from_secs(30),
            ca: Authorities::default(),
        })
    }

    /// Sets the method.
    ///
    /// # Errors
    /// When the method is invalid.
    pub fn method(self, method: &str) -> Result<Self, SendError> {
        let method = method
            .parse()
            .map_err(|_| SendError::Method(method.to_owned()))?;
        Ok(Self { method, ..self })
    }

    /// Adds a header, written `Name: value`.
    ///
    /// # Errors
    /// When the line is invalid, or the header is `traceparent`.
    pub fn header(mut self, line: &str) -> Result<Self, SendError> {
        let Some((name, value)) = line.split_once(':') else {
            // Without a colon, the line may consist of a secret only.
            return Err(SendError::Header("(no colon)".to_owned()));
        };
        let invalid = || SendError::Header(name.trim().to_owned());
        let name: HeaderName = name.trim().parse().map_err(|_| invalid())?;
        let value: HeaderValue = value.trim().parse().map_err(|_| invalid())?;
        if name == TRACEPARENT {
            return Err(SendError::TraceParent);
        }
        self.headers.append(name, value);
        Ok(self)
    }

    /// Sets the body.
    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        Self {
            body: body.into(),
            ..self
        }
    }

    /// Sets the `traceparent`.
    pub fn with_traceparent(self, traceparent: TraceParent) -> Self {
        Self {
            traceparent,
            ..self
        }
    }

    /// Sets the timeout for the complete response. Default: 30 seconds.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Also trusts these certificate authorities.
    pub fn trust(self, ca: Authorities) -> Self {
        Self { ca, ..self }
    }

    /// The `traceparent` of the request.
    pub fn traceparent(&self) -> &TraceParent {
        &self.traceparent
    }

    /// Method and URL, without credentials and query values: safe to log.
    pub fn redacted(&self) -> String {
        format!("{} {}", self.method, redact::redacted(&self.url))
    }

    /// Sends the request once. Redirects are not followed.
    ///
    /// # Errors
    /// When there is no response.
    pub async fn send(&self) -> Result<Response, SendError> {
        let no_response = |error: reqwest::Error| SendError::NoResponse {
            url: redact::redacted(&self.url),
            cause: redact::root_cause(&error.without_url()),
        };
        let builder = client::builder(&self.url, &self.ca);
        let client = builder
            .map_err(|cause| SendError::NoResponse {
                url: redact::redacted(&self.url),
                cause,
            })?
            .redirect(reqwest::redirect::Policy::none())
            .timeout(self.timeout)
            .build()
            .map_err(no_response)?;
        let mut headers = self.headers.clone();
        headers
            .entry(USER_AGENT)
            .or_insert(HeaderValue::from_static(concat!(
                "trace-contract/",
                env!("CARGO_PKG_VERSION")
            )));
        let mut response = client
            .request(self.method.clone(), self.url.clone())
            .headers(headers)
            .header(TRACEPARENT, self.traceparent.header())
            .body(self.body.clone())
            .send()
            .await
            .map_err(no_response)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(no_response)? {
            let room = BODY_LIMIT.saturating_sub(body.len());
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        }
        Ok(Response {
            status: response.status(),
            headers: response.headers().clone(),
            body,
        })
    }
}
