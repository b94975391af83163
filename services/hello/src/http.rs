//! hello over HTTP: decode the request, call the endpoint, encode the response.

use std::sync::Arc;

use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{Path, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use gateway_api::NameError;
use hello_api::{GREETING_PATH, Greeting};
use http::StatusCode;
use server::response::json_error;
use telemetry::http::ServerLayer;
use tower::ServiceExt;

use crate::Error;
use crate::endpoint::{GreetEndpoint, GreetRequest};
use crate::faults::{Faults, FaultsRequest, FaultsResponse};

/// The API. Only services of this system call it, so their traces are continued.
pub(crate) fn public(
    greet: GreetEndpoint,
    faults: Option<Faults>,
    config: &server::Config,
) -> Router {
    let mut greetings = get(greeting);
    if let Some(faults) = faults {
        greetings = greetings.route_layer(from_fn_with_state(faults, inject_fault));
    }
    let routes = Router::new()
        .route(GREETING_PATH, greetings)
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        // axum clones the state several times per request, and an endpoint is a box.
        .with_state(Arc::new(greet));
    server::with_middleware(routes, ServerLayer::internal(), None, config)
}

/// The fault switch on the admin port, if it is turned on.
pub(crate) fn internal(faults: Option<Faults>, config: &server::Config) -> Router {
    let Some(faults) = faults else {
        return Router::new();
    };
    let switch = get(show_faults).post(set_faults).delete(clear_faults);
    let routes = Router::new().route("/faults", switch).with_state(faults);
    server::with_middleware(routes, ServerLayer::internal(), None, config)
}

async fn greeting(
    State(greet): State<Arc<GreetEndpoint>>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<Greeting>, Error> {
    let Path(name) = name.map_err(|_| NameError::NotUtf8)?;
    let message = GreetEndpoint::clone(&greet)
        .oneshot(GreetRequest { name })
        .await?;
    Ok(Json(Greeting { message }))
}

/// Delays or fails the request, as the fault switch is set.
async fn inject_fault(State(faults): State<Faults>, request: Request, next: Next) -> Response {
    match faults.apply().await {
        Some(status) => json_error(status, "injected fault"),
        None => next.run(request).await,
    }
}

async fn show_faults(State(faults): State<Faults>) -> Json<FaultsResponse> {
    Json(faults.current())
}

async fn set_faults(
    State(faults): State<Faults>,
    request: Result<Json<FaultsRequest>, JsonRejection>,
) -> Response {
    let request = match request {
        Ok(Json(request)) => request,
        Err(rejection) => return json_error(rejection.status(), &rejection.body_text()),
    };
    match faults.set(request) {
        Ok(faults) => Json(faults).into_response(),
        Err(problem) => json_error(StatusCode::BAD_REQUEST, &problem),
    }
}

async fn clear_faults(State(faults): State<Faults>) -> StatusCode {
    faults.clear();
    StatusCode::NO_CONTENT
}

async fn not_found() -> Response {
    json_error(StatusCode::NOT_FOUND, "not found")
}

async fn method_not_allowed() -> Response {
    let error = "method not allowed; see the Allow header";
    json_error(StatusCode::METHOD_NOT_ALLOWED, error)
}
