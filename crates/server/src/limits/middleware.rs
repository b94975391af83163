//! The middleware that every route needs.

use std::any::Any;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{DefaultBodyLimit, Request};
use axum::response::Response;
use axum::{BoxError, Router};
use http::StatusCode;
use http_body_util::BodyExt;
use telemetry::http::ServerLayer;
use tower::layer::layer_fn;
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::CorsLayer;
use tower_http::limit::{RequestBodyLimit, RequestBodyLimitLayer};
use tower_http::timeout::{DeadlineBody, TimeoutError};

use super::RejectionReason;
use crate::Config;
use crate::response::text_error;

/// The maximum length of a path with its query, in bytes.
const MAX_PATH: usize = 8 * 1024;

/// Adds the middleware that every route needs: a span and a log line per request,
/// limits for the path (414) and the body (413, 408), and a 500 for a panic.
///
/// The span is outermost, so that it has the status of these responses, too. With
/// `cors`, they all have its headers, and it responds to preflight requests.
pub fn with_middleware(
    routes: Router,
    spans: ServerLayer,
    cors: Option<CorsLayer>,
    config: &Config,
) -> Router {
    let body_timeout = config.body_timeout;
    // One stack in one `Router::layer`: each `Router::layer` boxes every request.
    let stack = ServiceBuilder::new()
        .layer(spans.probes(config.probes()))
        .option_layer(cors)
        .layer(CatchPanicLayer::custom(panic_response))
        // axum's `from_fn` would box every request twice.
        .layer(layer_fn(move |inner: RequestBodyLimit<_>| {
            service_fn(move |request| limit_request(inner.clone(), body_timeout, request))
        }))
        // The innermost body: axum finds the error of the limit one level deep.
        .layer(RequestBodyLimitLayer::new(config.max_body))
        // axum's own limit, 2 MB, is for routers without a limit.
        .layer(DefaultBodyLimit::disable());
    routes.layer(stack)
}

/// Responds with 414 to a path that is too long, and with 408 if the body is not
/// complete in time.
async fn limit_request<S, B>(
    inner: S,
    body_timeout: Duration,
    request: Request,
) -> Result<Response, Infallible>
where
    S: Service<Request, Response = Response<B>, Error = Infallible>,
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let path = request.uri().path_and_query();
    if path.is_some_and(|path| path.as_str().len() > MAX_PATH) {
        let response = text_error(StatusCode::URI_TOO_LONG, "the path is too long");
        return Ok(rejected(response, RejectionReason::PathTooLong));
    }
    if request.body().is_end_stream() {
        return Ok(inner.oneshot(request).await?.map(Body::new));
    }
    let timed_out = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&timed_out);
    let request = request.map(|body| {
        let body = DeadlineBody::new(body_timeout, body);
        Body::new(body.map_err(move |error| {
            flag.fetch_or(error.is::<TimeoutError>(), Ordering::Relaxed);
            error
        }))
    });
    let response = inner.oneshot(request).await?.map(Body::new);
    if timed_out.load(Ordering::Relaxed) {
        // The handler cannot know why the body ended; axum's extractors return 400.
        let error = "the request body was not complete in time";
        let response = text_error(StatusCode::REQUEST_TIMEOUT, error);
        return Ok(rejected(response, RejectionReason::BodyTimeout));
    }
    if response.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Ok(rejected(response, RejectionReason::BodyTooLarge));
    }
    Ok(response)
}

/// The connection counts the response as a rejected request.
fn rejected(mut response: Response, reason: RejectionReason) -> Response {
    response.extensions_mut().insert(reason);
    response
}

/// The response to a request whose handler panicked. The cause is only logged.
#[expect(clippy::needless_pass_by_value, reason = "tower-http's signature")]
fn panic_response(panic: Box<dyn Any + Send>) -> Response {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    tracing::error!(panic = message, "a handler panicked");
    text_error(StatusCode::INTERNAL_SERVER_ERROR, "internal error")
}
