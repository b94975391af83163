//! Requests with a secret in every place where a caller can put one. They are written byte by
//! byte, because no HTTP client would send them all.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The beginning of every secret. The rest of a secret names its place.
pub(crate) const SECRET: &str = "s3cret";
/// `user:s3cret` in base64, without the last digit: how credentials in a URL are sent.
pub(crate) const SECRET_IN_BASE64: &str = "dXNlcjpzM2NyZX";
/// The value of the only baggage entry that the gateway accepts.
pub(crate) const ALLOWED: &str = "acme-is-allowed";

/// Headers of every request.
const HEADERS: &str = "\
authorization: Bearer s3cret-authorization\r\n\
proxy-authorization: Basic dXNlcjpzM2NyZXQtcHJveHk=\r\n\
cookie: session=s3cret-cookie; theme=dark\r\n\
x-api-key: s3cret-api-key\r\n\
x-auth-token: s3cret-auth-token\r\n\
x-request-id: s3cret-request-id\r\n\
x-forwarded-for: s3cret-forwarded-for\r\n\
x-forwarded-proto: s3cret-forwarded-proto\r\n\
x-forwarded-host: shop.example.com\r\n\
forwarded: for=s3cret-forwarded\r\n\
referer: http://shop/?token=s3cret-referer\r\n\
origin: http://s3cret-origin\r\n\
accept: application/json, s3cret/accept\r\n\
accept-language: s3cret-language\r\n\
content-type: s3cret/type\r\n\
if-none-match: \"s3cret-etag\"\r\n\
range: s3cret-range\r\n\
via: s3cret-via\r\n\
jaeger-debug-id: s3cret-debug-id\r\n\
b3: s3cret-b3\r\n\
x-b3-traceid: s3cret-b3-trace\r\n\
x-b3-spanid: s3cret-b3-span\r\n\
x-b3-sampled: s3cret-b3-sampled\r\n\
x-b3-flags: s3cret-b3-flags\r\n\
uber-trace-id: s3cret-uber:1:0:1\r\n\
tracestate: s3cret tracestate,=s3cret\r\n";

/// A caller's trace context, malformed.
pub(crate) const MALFORMED: &str = "\
traceparent: 00-s3cret-trace-parent-01\r\n\
traceparent: s3cret-second\r\n\
baggage: s3cret-no-pair, session=\"s3cret;;=,%zz\r\n";
/// A caller's trace context. Of its baggage, the gateway accepts only `tenant`.
pub(crate) const BAGGAGE: &str = "\
traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\
baggage: session=s3cret-baggage;note=s3cret-property, tenant=acme-is-allowed\r\n\
baggage: s3cret-key=1\r\n\
uberctx-session: s3cret-uberctx\r\n\
jaeger-baggage: session=s3cret-jaeger-baggage\r\n";
/// The trace context of a service, without baggage, because services accept all of it.
pub(crate) const INTERNAL: &str =
    "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";

/// A request and the status that it must return.
pub(crate) struct Case {
    pub(crate) status: u16,
    pub(crate) line: String,
    pub(crate) context: &'static str,
    pub(crate) rest: String,
}

impl Case {
    /// A request line such as `GET /hello?token=…`, with a caller's baggage.
    pub(crate) fn new(status: u16, line: impl Into<String>) -> Self {
        Self {
            status,
            line: line.into(),
            context: BAGGAGE,
            rest: "\r\n".to_owned(),
        }
    }

    pub(crate) fn context(self, context: &'static str) -> Self {
        Self { context, ..self }
    }

    /// The part after the other headers: more headers, an empty line, a body.
    pub(crate) fn rest(self, rest: impl Into<String>) -> Self {
        let rest = rest.into();
        Self { rest, ..self }
    }

    /// Sends it to `url`, such as `http://host:port`; returns the complete response.
    pub(crate) async fn send(&self, url: &str) -> Result<String> {
        let authority = url.trim_start_matches("http://");
        let request = format!(
            "{} HTTP/1.1\r\nhost: {authority}\r\nuser-agent: test\r\nconnection: close\r\n{HEADERS}{}{}",
            self.line, self.context, self.rest
        );
        let shown = self.line.get(..60).unwrap_or(&self.line);
        let response = exchange(authority, request.as_bytes()).await;
        let response = response.with_context(|| shown.to_owned())?;
        let status = response.split(' ').nth(1).unwrap_or_default();
        assert_eq!(
            status,
            self.status.to_string(),
            "the status of {shown}: {response}"
        );
        Ok(response)
    }
}

/// Sends bytes on a new connection and reads until the server closes it.
async fn exchange(authority: &str, request: &[u8]) -> Result<String> {
    const TIMEOUT: Duration = Duration::from_secs(20);
    let exchange = async {
        let mut connection = TcpStream::connect(authority).await?;
        // The server may respond before it has read the request to its end.
        let sent = connection.write_all(request).await;
        let mut response = Vec::new();
        let read = connection.read_to_end(&mut response).await;
        if response.is_empty() {
            sent?;
            read?;
        }
        Ok(String::from_utf8_lossy(&response).into_owned())
    };
    timeout(TIMEOUT, exchange)
        .await
        .context("waited 20 s for the response and the end of the connection")?
}
