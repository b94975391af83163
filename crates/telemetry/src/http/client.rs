//! The traced HTTP client: reqwest with reqwest-middleware, where each attempt
//! of a call has a CLIENT span of its own and carries that span's context.
//!
//! From the outside in: reqwest-retry, reqwest-tracing's middleware with
//! [`ClientSpans`] as its backend, then our propagation. reqwest-tracing's own
//! propagation stays off: it knows only older OpenTelemetry versions, and used
//! with a newer one it splits every trace without a word.

use std::pin::Pin;
use std::time::Duration;

use http::{Extensions, HeaderValue, header};
use opentelemetry::Context;
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next, Result};
use reqwest_retry::policies::ExponentialBackoff;
use reqwest_retry::{Jitter, RetryTransientMiddleware};
use reqwest_tracing::TracingMiddleware;

use super::BaseUrl;
use super::client_span::{Attempt, ClientSpans};
use super::retry::TransientOnly;
use crate::{global, propagation};

/// How a client's calls are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientConfig {
    /// The time one attempt may take, from connecting to the end of the body.
    pub timeout: Duration,
    /// The time to connect, within `timeout`.
    pub connect_timeout: Duration,
    /// Attempts after the first. Only what is safe is tried again: a connection
    /// that could not be made, and 502, 503 and 504 to an idempotent method.
    pub retries: u32,
    /// The wait before the first retry, doubled for each further one up to a
    /// second, with jitter.
    pub backoff: Duration,
    /// `User-Agent`, the caller's name and version.
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
/// Name a call's span by its route: `.with_extension(Route("/greetings/{name}"))`.
/// Redirects are not followed: between services a redirect is an error, and each
/// hop would need a span; for the same reason reqwest repeats nothing by itself.
/// Proxies from the environment are not used. Answers of every status come back as `Ok`; see
/// [`super::CallError`] for turning them into errors.
///
/// # Errors
/// Where the platform cannot give a client, as reqwest says it.
pub fn client(config: &ClientConfig) -> reqwest::Result<ClientWithMiddleware> {
    build(config, None)
}

/// The client of one peer.
pub(super) fn of_peer(
    peer: &BaseUrl,
    config: &ClientConfig,
) -> reqwest::Result<ClientWithMiddleware> {
    build(config, Some(peer.host().clone()))
}

fn build(
    config: &ClientConfig,
    host: Option<HeaderValue>,
) -> reqwest::Result<ClientWithMiddleware> {
    let client = reqwest::Client::builder()
        .user_agent(config.user_agent)
        .timeout(config.timeout)
        .connect_timeout(config.connect_timeout)
        .redirect(reqwest::redirect::Policy::none())
        // Repeated inside of reqwest, an attempt would have no span.
        .retry(reqwest::retry::never().max_retries_per_request(0))
        // A peer is called directly: HTTP_PROXY is for the way out of the system.
        .no_proxy()
        .tcp_nodelay(true)
        .build()?;
    let mut builder = ClientBuilder::new(client);
    if config.retries > 0 {
        let policy = ExponentialBackoff::builder()
            .retry_bounds(config.backoff, Duration::from_secs(1).max(config.backoff))
            .jitter(Jitter::Bounded)
            .build_with_max_retries(config.retries);
        builder = builder.with(RetryTransientMiddleware::new_with_policy_and_strategy(
            policy,
            TransientOnly,
        ));
    }
    Ok(builder
        .with(WhereTraced(TracingMiddleware::new()))
        .with(Propagation { host })
        .build())
}

/// What a middleware returns.
type Outcome<'call> = Pin<Box<dyn Future<Output = Result<Response>> + Send + 'call>>;

/// reqwest-tracing's middleware, where spans are made: with `OTEL_SDK_DISABLED`
/// a call goes past it.
struct WhereTraced(TracingMiddleware<ClientSpans>);

/// Written out as `async_trait` writes it, for the call that needs no future of its own.
impl Middleware for WhereTraced {
    fn handle<'own, 'extensions, 'next, 'call>(
        &'own self,
        request: Request,
        extensions: &'extensions mut Extensions,
        next: Next<'next>,
    ) -> Outcome<'call>
    where
        'own: 'call,
        'extensions: 'call,
        'next: 'call,
    {
        match global::tracer() {
            Some(_) => self.0.handle(request, extensions, next),
            None => next.run(request, extensions),
        }
    }
}

/// Writes the attempt's context into the request's headers, and `Host`.
struct Propagation {
    /// `Host` of the peer that the client calls, which reqwest would format anew
    /// for each call: written here, behind the copies that retries make.
    host: Option<HeaderValue>,
}

impl Propagation {
    fn name_host(&self, request: &mut Request) {
        if let Some(host) = &self.host
            && request.url().authority().as_bytes() == host.as_bytes()
        {
            let headers = request.headers_mut();
            headers.entry(header::HOST).or_insert_with(|| host.clone());
        }
    }
}

impl Middleware for Propagation {
    fn handle<'own, 'extensions, 'next, 'call>(
        &'own self,
        mut request: Request,
        extensions: &'extensions mut Extensions,
        next: Next<'next>,
    ) -> Outcome<'call>
    where
        'own: 'call,
        'extensions: 'call,
        'next: 'call,
    {
        self.name_host(&mut request);
        let attempt = extensions.get::<Attempt>().cloned();
        match &attempt {
            Some(attempt) => propagation::inject(attempt.context(), request.headers_mut()),
            // No span: what is current goes on.
            None => Context::map_current(|current| {
                propagation::inject(current, request.headers_mut());
            }),
        }
        let answer = if request.method().is_idempotent() {
            next.run(request, extensions)
        } else {
            Box::pin(run_once(request, extensions, next))
        };
        let Some(cancelled) = attempt.map(Attempt::cancel_on_drop) else {
            return answer;
        };
        Box::pin(async move {
            let outcome = answer.await;
            cancelled.disarm();
            outcome
        })
    }
}

/// Runs an attempt, and notes with its answer that it must not be made again.
async fn run_once(
    request: Request,
    extensions: &mut Extensions,
    next: Next<'_>,
) -> Result<Response> {
    let mut outcome = next.run(request, extensions).await;
    if let Ok(response) = &mut outcome {
        TransientOnly::forbid(response);
    }
    outcome
}
