//! The gateway over HTTP: decode, call the endpoint, encode.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use gateway_api::{NameError, VISITOR_PATH, Visitor};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use server::answer::{Form, failure, text};
use server::{Endpoint, Settings, Traced};
use telemetry::Edge;
use telemetry::http::ServerLayer;

use crate::Error;
use crate::endpoint::{HelloRequest, VisitorRequest};

/// Who is greeted where nobody is named.
const EVERYBODY: &str = "World";

/// The public API.
pub(crate) fn public<E>(hello: E, edge: Edge, serving: &Settings) -> Router
where
    E: Endpoint<HelloRequest, String, Error>,
{
    let traced = Traced::new(ServerLayer::public(edge), serving);
    Router::new()
        .route("/", get(traced.handler(page)))
        .route("/hello", get(traced.handler(hello_everybody::<E>)))
        .route("/hello/{name}", get(traced.handler(hello_visitor::<E>)))
        .fallback(traced.handler(no_route))
        .method_not_allowed_fallback(traced.handler(no_method))
        .with_state(hello.for_good())
}

/// The internal API, on the admin port.
pub(crate) fn internal<E>(visitor: E, serving: &Settings) -> Router
where
    E: Endpoint<VisitorRequest, Visitor, Error>,
{
    let traced = Traced::new(ServerLayer::internal(), serving);
    Router::new()
        .route(VISITOR_PATH, get(traced.handler(who::<E>)))
        .fallback(traced.handler(no_route))
        .method_not_allowed_fallback(traced.handler(no_method))
        .with_state(visitor.for_good())
}

/// `GET /hello` as JSON.
#[derive(Serialize)]
struct Hello {
    message: String,
    trace_id: Option<String>,
}

async fn hello_everybody<E>(State(endpoint): State<&'static E>, form: Form) -> Response
where
    E: Endpoint<HelloRequest, String, Error>,
{
    greeted(endpoint, EVERYBODY.to_owned(), form).await
}

async fn hello_visitor<E>(
    State(endpoint): State<&'static E>,
    name: Result<Path<String>, PathRejection>,
    form: Form,
) -> Response
where
    E: Endpoint<HelloRequest, String, Error>,
{
    match name {
        Ok(Path(name)) => greeted(endpoint, name, form).await,
        Err(_) => Error::Name(NameError::NotUtf8).into_response(form),
    }
}

async fn greeted<E>(endpoint: &E, name: String, form: Form) -> Response
where
    E: Endpoint<HelloRequest, String, Error>,
{
    let message = match endpoint.ask(HelloRequest { name }).await {
        Ok(message) => message,
        Err(error) => return error.into_response(form),
    };
    let mut response = match form {
        Form::Text => text(StatusCode::OK, message),
        Form::Json => Json(Hello {
            message,
            trace_id: telemetry::trace_id(),
        })
        .into_response(),
    };
    let vary = HeaderValue::from_static("accept");
    response.headers_mut().insert(header::VARY, vary);
    response
}

async fn who<E>(
    State(endpoint): State<&'static E>,
    name: Result<Path<String>, PathRejection>,
) -> Response
where
    E: Endpoint<VisitorRequest, Visitor, Error>,
{
    let Ok(Path(name)) = name else {
        return Error::Name(NameError::NotUtf8).into_response(Form::Json);
    };
    match endpoint.ask(VisitorRequest { name }).await {
        Ok(visitor) => Json(visitor).into_response(),
        Err(error) => error.into_response(Form::Json),
    }
}

/// The page at `/`: the same for everybody, and nothing in it is loaded from elsewhere.
async fn page() -> Response {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; connect-src 'self'; script-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let headers = [(header::CONTENT_SECURITY_POLICY, policy)];
    (headers, Html(include_str!("page.html"))).into_response()
}

async fn no_route(form: Form) -> Response {
    let text = "there is nothing here; try /hello";
    failure(form, StatusCode::NOT_FOUND, text)
}

async fn no_method(form: Form) -> Response {
    let text = "this can only be asked for with the methods that Allow lists";
    failure(form, StatusCode::METHOD_NOT_ALLOWED, text)
}
