//! hello over HTTP: decode, call the endpoint, encode.

use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{Path, Request, State};
use axum::handler::Handler;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use gateway_api::NameError;
use hello_api::{GREETING_PATH, Greeting};
use http::StatusCode;
use server::answer::{Form, failure};
use server::{Endpoint, Settings, Traced};
use telemetry::http::ServerLayer;

use crate::Error;
use crate::endpoint::GreetRequest;
use crate::faults::{Faults, FaultsRequest};

/// The API. Only services of the system call it: their traces are continued.
pub(crate) fn public<E>(greet: E, faults: Option<Faults>, serving: &Settings) -> Router
where
    E: Endpoint<GreetRequest, String, Error>,
{
    let traced = Traced::new(ServerLayer::internal(), serving);
    let greetings = match faults {
        None => get(traced.handler(greeting::<E>)),
        Some(faults) => {
            let struck = from_fn_with_state(faults, inject);
            get(traced.handler(greeting::<E>.layer(struck)))
        }
    };
    Router::new()
        .route(GREETING_PATH, greetings)
        .fallback(traced.handler(no_route))
        .method_not_allowed_fallback(traced.handler(no_method))
        .with_state(greet.for_good())
}

/// What is on the admin port: the fault switch, where it is turned on.
pub(crate) fn internal(faults: Option<Faults>, serving: &Settings) -> Router {
    let Some(faults) = faults else {
        return Router::new();
    };
    let switch = get(show_faults).post(set_faults).delete(clear_faults);
    Router::new()
        .route("/faults", switch)
        .with_state(faults)
        .layer(Traced::new(ServerLayer::internal(), serving))
}

async fn greeting<E>(
    State(endpoint): State<&'static E>,
    name: Result<Path<String>, PathRejection>,
) -> Response
where
    E: Endpoint<GreetRequest, String, Error>,
{
    let Ok(Path(name)) = name else {
        return Error::Name(NameError::NotUtf8).into_response();
    };
    match endpoint.ask(GreetRequest { name }).await {
        Ok(message) => Json(Greeting { message }).into_response(),
        Err(error) => error.into_response(),
    }
}

/// Makes the answer late or failed, where the switch says so.
async fn inject(State(faults): State<Faults>, request: Request, next: Next) -> Response {
    match faults.strike().await {
        Some(status) => failure(Form::Json, status, "a fault that was asked for"),
        None => next.run(request).await,
    }
}

async fn show_faults(State(faults): State<Faults>) -> Response {
    Json(faults.shown()).into_response()
}

async fn set_faults(
    State(faults): State<Faults>,
    request: Result<Json<FaultsRequest>, JsonRejection>,
) -> Response {
    let set = request
        .map_err(|rejection| rejection.body_text())
        .and_then(|Json(request)| faults.set(request));
    match set {
        Ok(shown) => Json(shown).into_response(),
        Err(problem) => failure(Form::Json, StatusCode::BAD_REQUEST, problem),
    }
}

async fn clear_faults(State(faults): State<Faults>) -> Response {
    faults.clear();
    StatusCode::NO_CONTENT.into_response()
}

async fn no_route() -> Response {
    failure(Form::Json, StatusCode::NOT_FOUND, "there is nothing here")
}

async fn no_method() -> Response {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    failure(
        Form::Json,
        status,
        "this can only be asked for with the methods that Allow lists",
    )
}
