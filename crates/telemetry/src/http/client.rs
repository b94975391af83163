//! The traced HTTP client: reqwest with reqwest-middleware. Each attempt of a call
//! has its own CLIENT span and carries that span's context.
//!
//! The middlewares, from the outside in: reqwest-retry, reqwest-tracing with
//! [`ClientSpans`] as its backend, and [`Attempt`]. reqwest-tracing's own
//! propagation stays off: it supports only older versions of OpenTelemetry, and
//! with a newer one it silently splits every trace in two.

use std::time::Duration;

use async_trait::async_trait;
use http::Extensions;
use opentelemetry::Context;
use opentelemetry_http::HeaderInjector;
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next, Result};
use reqwest_retry::policies::ExponentialBackoff;
use reqwest_retry::{Jitter, RetryTransientMiddleware};
use reqwest_tracing::TracingMiddleware;

use super::client_span::{ClientSpan, ClientSpans};
use super::retry::TransientOnly;
use crate::propagation;

const MAX_BACKOFF: Duration = Duration::from_secs(1);

/// Timeouts, retries and the `User-Agent` of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientConfig {
    /// The time limit of one attempt, from connecting to the end of the body.
    pub timeout: Duration,
    /// The time limit for connecting, within `timeout`.
    pub connect_timeout: Duration,
    /// Attempts after the first one. Only these failures are retried: a connection
    /// that could not be made; 502, 503 and 504 for an idempotent method.
    pub retries: u32,
    /// The wait before the first retry. It doubles for each further one, up to one
    /// second, with jitter.
    pub backoff: Duration,
    /// `User-Agent`: the caller's name and version.
    pub user_agent: &'static str,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(2),
            connect_timeout: Duration::from_secs(1),
            retries: 2,
            backoff: Duration::from_millis(50),
            user_agent: concat!("onetrace/", env!("CARGO_PKG_VERSION")),
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
/// A response of any status is `Ok`; see [`super::CallError`] for turning statuses
/// into errors.
///
/// # Errors
/// If reqwest cannot create a client on this platform.
pub fn client(config: &ClientConfig) -> reqwest::Result<ClientWithMiddleware> {
    let client = reqwest::Client::builder()
        .user_agent(config.user_agent)
        .timeout(config.timeout)
        .connect_timeout(config.connect_timeout)
        .redirect(reqwest::redirect::Policy::none())
        // An attempt that reqwest repeats by itself would have no span.
        .retry(reqwest::retry::never().max_retries_per_request(0))
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
        let retry = RetryTransientMiddleware::new_with_policy_and_strategy(policy, TransientOnly);
        builder = builder.with(retry);
    }
    Ok(builder
        .with(TracingMiddleware::<ClientSpans>::new())
        .with(Attempt)
        .build())
}

/// The innermost middleware. It writes the context of the attempt's span into the
/// request's headers (without a span, the current context), and marks the response
/// to a method that must not be sent twice.
struct Attempt;

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
        let mut response = next.run(request, extensions).await?;
        if !is_idempotent {
            TransientOnly::mark_not_idempotent(&mut response);
        }
        Ok(response)
    }
}
