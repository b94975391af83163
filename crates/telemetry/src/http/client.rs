//! The traced HTTP client: reqwest with reqwest-middleware. Each attempt of a call
//! has its own CLIENT span and carries that span's context.
//!
//! The middlewares, from the outside in: reqwest-retry, reqwest-tracing with
//! [`ClientSpans`] as its backend, and [`Attempt`]. reqwest-tracing's own
//! propagation stays off: it supports only older versions of OpenTelemetry, and
//! with a newer one it silently splits every trace in two.

use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::Extensions;
use opentelemetry::Context;
use opentelemetry_http::HeaderInjector;
use reqwest::{Request, Response, ResponseBuilderExt};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Error, Middleware, Next, Result};
use reqwest_retry::policies::ExponentialBackoff;
use reqwest_retry::{Jitter, RetryTransientMiddleware};
use reqwest_tracing::TracingMiddleware;

use super::call_error::{CallError, FailedAttempt};
use super::client_span::{ClientSpan, ClientSpans};
use super::retry::{self, Transient};
use crate::propagation;
use crate::tls::{self, TlsConfig};

const MAX_BACKOFF: Duration = Duration::from_secs(1);

/// Timeouts, retries and the `User-Agent` of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientConfig {
    /// The time limit of one attempt, from connecting to the end of the body.
    pub timeout: Duration,
    /// The time limit for connecting, within `timeout`.
    pub connect_timeout: Duration,
    /// Attempts after the first one. Only these failures are retried: a connection
    /// that could not be made, unless a certificate is not accepted; for an idempotent method also 502, 503 and 504, and a
    /// connection that was lost before the response was complete. Retries are limited
    /// to ten per second and one per five successful calls.
    pub retries: u32,
    /// The wait before the first retry. It doubles for each further one, up to one
    /// second, with jitter.
    pub backoff: Duration,
    /// The maximum size of a response's body, in bytes. A larger response fails with
    /// [`CallError::TooLarge`], as soon as its `Content-Length` or the part that was
    /// received shows its size.
    pub max_response_body: usize,
    /// `User-Agent`: the caller's name and version.
    pub user_agent: &'static str,
    /// The certificates for `https` URLs.
    pub tls: TlsConfig,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(2),
            connect_timeout: Duration::from_secs(1),
            retries: 2,
            backoff: Duration::from_millis(50),
            max_response_body: 1024 * 1024,
            user_agent: concat!("onetrace/", env!("CARGO_PKG_VERSION")),
            tls: TlsConfig::default(),
        }
    }
}

/// Builds a traced client.
///
/// To name a call's span by its route, use
/// `.with_extension(Route("/greetings/{name}"))`.
///
/// Redirects are not followed, because between services a redirect is an error,
/// and each hop would need a span. Proxies from the environment are not used.
/// A response of any status is `Ok`; see [`CallError`] for turning statuses into
/// errors. Its body has been received completely, and is limited to
/// [`ClientConfig::max_response_body`]; it is never decompressed. hyper limits the
/// response's head to 100 headers and about 400 KiB.
///
/// # Errors
/// If reqwest cannot create a client on this platform.
pub fn client(config: &ClientConfig) -> reqwest::Result<ClientWithMiddleware> {
    let client = tls::http_client(config.tls.client_config())
        .user_agent(config.user_agent)
        .timeout(config.timeout)
        .connect_timeout(config.connect_timeout)
        .redirect(reqwest::redirect::Policy::none())
        // An attempt that reqwest repeats by itself would have no span.
        .retry(reqwest::retry::never().max_retries_per_request(0))
        // A small response could become a large one. Cargo may add these features to
        // reqwest for another crate.
        .no_gzip()
        .no_brotli()
        .no_deflate()
        .no_zstd()
        // HTTP_PROXY is for calls that leave the system.
        .no_proxy()
        .tcp_nodelay(true)
        .build()?;
    let mut builder = ClientBuilder::new(client);
    if config.retries > 0 {
        let policy = ExponentialBackoff::builder()
            .retry_bounds(config.backoff, MAX_BACKOFF.max(config.backoff))
            .jitter(Jitter::Bounded)
            .build_with_max_retries(config.retries);
        let (strategy, policy) = retry::with_budget(policy);
        let retry = RetryTransientMiddleware::new_with_policy_and_strategy(policy, strategy);
        builder = builder.with(retry);
    }
    Ok(builder
        .with(TracingMiddleware::<ClientSpans>::new())
        .with(Attempt {
            max_response_body: config.max_response_body,
        })
        .build())
}

/// The innermost middleware. It writes the context of the attempt's span into the
/// request's headers (without a span, the current context), and receives the complete
/// response, so that its failures are those of the attempt.
struct Attempt {
    max_response_body: usize,
}

#[async_trait]
impl Middleware for Attempt {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        let span = extensions.get::<ClientSpan>();
        let context = span.map_or_else(Context::current, ClientSpan::context);
        propagation::inject_context(&context, &mut HeaderInjector(request.headers_mut()));
        let is_idempotent = request.method().is_idempotent();
        let result = match next.run(request, extensions).await {
            Ok(response) => {
                if let Some(span) = extensions.get::<ClientSpan>() {
                    span.record_head(&response);
                }
                complete(response, self.max_response_body).await
            }
            Err(error) => Err(CallError::of(&error)),
        };
        match result {
            Ok(mut response) => {
                if is_idempotent && retry::is_transient_status(&response) {
                    response.extensions_mut().insert(Transient);
                }
                Ok(response)
            }
            Err(error) => Err(Error::middleware(FailedAttempt {
                is_transient: retry::is_transient_error(&error, is_idempotent),
                error,
            })),
        }
    }
}

/// Receives the body, up to `max` bytes.
async fn complete(mut response: Response, max: usize) -> std::result::Result<Response, CallError> {
    let too_large = |size: usize| size > max;
    let announced = response.content_length();
    // A length that this platform cannot count is too large, too.
    if announced.is_some_and(|length| usize::try_from(length).map_or(true, too_large)) {
        return Err(CallError::TooLarge(max));
    }
    // A small body is one chunk, which is not copied.
    let first = response.chunk().await?.unwrap_or_default();
    let mut more = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        if more.is_empty() {
            more.extend_from_slice(&first);
        }
        more.extend_from_slice(&chunk);
        if too_large(more.len()) {
            return Err(CallError::TooLarge(max));
        }
    }
    let body = if more.is_empty() {
        first
    } else {
        more.freeze()
    };
    if too_large(body.len()) {
        return Err(CallError::TooLarge(max));
    }
    Ok(with_body(response, body))
}

/// The response with a body that has been received.
fn with_body(mut response: Response, body: Bytes) -> Response {
    let complete = http::Response::builder()
        .status(response.status())
        .version(response.version())
        .url(response.url().clone())
        .body(body);
    let mut complete = complete.expect("every status and version is valid");
    *complete.headers_mut() = std::mem::take(response.headers_mut());
    let extensions = std::mem::take(response.extensions_mut());
    complete.extensions_mut().extend(extensions);
    complete.into()
}
