//! Sends one request whose trace is known before it exists.

use std::time::Duration;

use http::header::USER_AGENT;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use url::Url;

use crate::redact::{self, UrlError};
use crate::traceparent::TraceParent;

const LIKE: &str = "http://127.0.0.1:8080/hello";
const TRACEPARENT: &str = "traceparent";
/// As much of an answer as is kept.
const BODY_LIMIT: usize = 64 * 1024;

/// A request to be sent with a `traceparent` of its own.
#[derive(Clone, Debug)]
pub struct Request {
    url: Url,
    method: Method,
    headers: HeaderMap,
    body: Vec<u8>,
    traceparent: TraceParent,
    timeout: Duration,
}

/// What was answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, its first 64 KiB.
    pub body: Vec<u8>,
}

/// Why a request could not be sent, or got no answer.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The URL cannot be used.
    #[error("the request's URL: {0}")]
    Url(#[from] UrlError),
    /// A header cannot be used. Its value is not shown: it may be a secret.
    #[error("the header {0:?} cannot be sent: write it like 'Name: value'")]
    Header(String),
    /// The header is ours to set.
    #[error("the request has a traceparent of its own: leave that header out")]
    TraceParent,
    /// The method is no word.
    #[error("{0:?} is no method: write it like GET")]
    Method(String),
    /// No answer.
    #[error("no answer from {url}: {cause}")]
    NoAnswer {
        /// Where it was sent, without credentials and query.
        url: String,
        /// What the network said.
        cause: String,
    },
}

impl Request {
    /// `GET url`, sampled, with a new trace.
    ///
    /// # Errors
    /// When `url` is no URL that can be used.
    pub fn get(url: &str) -> Result<Self, SendError> {
        Ok(Self {
            url: redact::parse(url, LIKE)?,
            method: Method::GET,
            headers: HeaderMap::new(),
            body: Vec::new(),
            traceparent: TraceParent::generate(),
            timeout: Duration::from_secs(30),
        })
    }

    /// Another method.
    ///
    /// # Errors
    /// When it is no word.
    pub fn method(self, method: &str) -> Result<Self, SendError> {
        let method = method
            .parse()
            .map_err(|_| SendError::Method(method.to_owned()))?;
        Ok(Self { method, ..self })
    }

    /// Adds a header, written `Name: value`.
    ///
    /// # Errors
    /// When it is not written so, or is `traceparent`.
    pub fn header(mut self, line: &str) -> Result<Self, SendError> {
        let Some((name, value)) = line.split_once(':') else {
            // Without a colon the whole text may be the secret.
            return Err(SendError::Header("(no colon)".to_owned()));
        };
        let refused = || SendError::Header(name.trim().to_owned());
        let name: HeaderName = name.trim().parse().map_err(|_| refused())?;
        let value: HeaderValue = value.trim().parse().map_err(|_| refused())?;
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
    pub fn traceparent(self, traceparent: TraceParent) -> Self {
        Self {
            traceparent,
            ..self
        }
    }

    /// Sets how long an answer is waited for; 30 seconds unless it is set.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// What is, or will be, sent as `traceparent`.
    pub fn sent_as(&self) -> &TraceParent {
        &self.traceparent
    }

    /// Method and URL as they may be shown.
    pub fn shown(&self) -> String {
        format!("{} {}", self.method, redact::shown(&self.url))
    }

    /// Sends the request, once: a redirect is an answer.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn send(&self) -> Result<Answer, SendError> {
        let no_answer = |error: reqwest::Error| SendError::NoAnswer {
            url: redact::shown(&self.url),
            cause: redact::cause(&error.without_url()),
        };
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(self.timeout)
            .build()
            .map_err(no_answer)?;
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
            .map_err(no_answer)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(no_answer)? {
            let room = BODY_LIMIT.saturating_sub(body.len());
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        }
        Ok(Answer {
            status: response.status(),
            headers: response.headers().clone(),
            body,
        })
    }
}
