//! The gateway over HTTP: decode the request, call the endpoint, encode the
//! response.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use gateway_api::{NameError, VISITOR_PATH};
use http::{StatusCode, header};
use serde::Serialize;
use server::response::text;
use telemetry::http::ServerLayer;
use tower::ServiceExt;
use tower_http::cors::CorsLayer;

use crate::Error;
use crate::endpoint::{HelloEndpoint, HelloRequest, VisitorEndpoint, VisitorRequest};
use crate::format::Format;

/// The visitor of `/hello`.
const DEFAULT_NAME: &str = "World";

/// The public API.
pub(crate) fn public(
    hello: HelloEndpoint,
    spans: ServerLayer,
    cors: Option<CorsLayer>,
    config: &server::Config,
) -> Router {
    let routes = Router::new()
        .route("/", get(page))
        .route("/hello", get(hello_world))
        .route("/hello/{name}", get(hello_visitor))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        // axum clones the state several times per request, and an endpoint is a box.
        .with_state(Arc::new(hello));
    server::with_middleware(routes, spans, cors, config)
}

/// The internal API, on the admin port.
pub(crate) fn internal(visitor: VisitorEndpoint, config: &server::Config) -> Router {
    let routes = Router::new()
        .route(VISITOR_PATH, get(visitor_entry))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(Arc::new(visitor));
    server::with_middleware(routes, ServerLayer::internal(), None, config)
}

async fn hello_world(State(hello): State<Arc<HelloEndpoint>>, format: Format) -> Response {
    greeting(&hello, DEFAULT_NAME.to_owned(), format).await
}

async fn hello_visitor(
    State(hello): State<Arc<HelloEndpoint>>,
    name: Result<Path<String>, PathRejection>,
    format: Format,
) -> Response {
    match name {
        Ok(Path(name)) => greeting(&hello, name, format).await,
        Err(_) => Error::Name(NameError::NotUtf8).into_response(format),
    }
}

/// A greeting as JSON.
#[derive(Serialize)]
struct GreetingBody {
    message: String,
    trace_id: Option<String>,
}

async fn greeting(hello: &HelloEndpoint, name: String, format: Format) -> Response {
    let message = match hello.clone().oneshot(HelloRequest { name }).await {
        Ok(message) => message,
        Err(error) => return error.into_response(format),
    };
    let mut response = match format {
        Format::Text => text(StatusCode::OK, message),
        Format::Json => Json(GreetingBody {
            message,
            trace_id: telemetry::trace_id(),
        })
        .into_response(),
    };
    Format::mark(&mut response);
    response
}

async fn visitor_entry(
    State(visitor): State<Arc<VisitorEndpoint>>,
    name: Result<Path<String>, PathRejection>,
) -> Response {
    let Ok(Path(name)) = name else {
        return Error::Name(NameError::NotUtf8).into_response(Format::Json);
    };
    match VisitorEndpoint::clone(&visitor)
        .oneshot(VisitorRequest { name })
        .await
    {
        Ok(visitor) => Json(visitor).into_response(),
        Err(error) => error.into_response(Format::Json),
    }
}

/// The page at `/`. It is static, and loads nothing from elsewhere.
async fn page() -> impl IntoResponse {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; connect-src 'self'; script-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let headers = [(header::CONTENT_SECURITY_POLICY, policy)];
    (headers, Html(include_str!("page.html")))
}

async fn not_found(format: Format) -> Response {
    format.error(StatusCode::NOT_FOUND, "not found; try /hello")
}

async fn method_not_allowed(format: Format) -> Response {
    let error = "method not allowed; see the Allow header";
    format.error(StatusCode::METHOD_NOT_ALLOWED, error)
}
