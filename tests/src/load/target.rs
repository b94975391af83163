//! What is requested, and which response is a success.

use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::header::HOST;
use http::{HeaderName, HeaderValue, Request};
use http_body_util::Empty;
use trace_contract::TraceParent;
use url::{Position, Url};

/// A request, again and again.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) authority: String,
    path: String,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    /// The maximum duration of a request.
    pub(super) timeout: Duration,
}

impl Target {
    pub(super) fn new(url: &str) -> Result<Self> {
        let parsed = Url::parse(url).with_context(|| format!("{url} is not a valid URL"))?;
        let host = parsed.host_str().filter(|_| parsed.scheme() == "http");
        let host = host.with_context(|| format!("{url} must begin with http:// and a host"))?;
        let port = parsed.port_or_known_default().unwrap_or(80);
        Ok(Self {
            authority: format!("{host}:{port}"),
            path: parsed[Position::BeforePath..Position::AfterQuery].to_owned(),
            headers: Vec::new(),
            timeout: Duration::from_secs(10),
        })
    }

    /// One request of the trace of `parent`.
    pub(super) fn request(&self, parent: &TraceParent) -> Request<Empty<Bytes>> {
        let mut request = Request::get(&self.path)
            .header(HOST, &self.authority)
            .header("traceparent", parent.header());
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request
            .body(Empty::new())
            .expect("path and headers were validated")
    }
}
