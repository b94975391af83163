//! Responses to failed requests, with the id of the current trace.

use axum::Json;
use axum::body::Body;
use axum::response::IntoResponse;
use http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
}

/// An error as JSON: `{"error": "…", "trace_id": "…"}`.
///
/// `trace_id` is left out if the request has no trace.
pub fn json_error(status: StatusCode, error: &str) -> Response<Body> {
    let body = ErrorBody {
        error,
        trace_id: telemetry::trace_id(),
    };
    (status, Json(body)).into_response()
}

/// An error as one line of text: `… (trace 4bf9…)`.
pub fn text_error(status: StatusCode, error: &str) -> Response<Body> {
    let line = match telemetry::trace_id() {
        Some(trace) => format!("{error} (trace {trace})\n"),
        None => format!("{error}\n"),
    };
    text(status, line)
}

/// Plain text, which may contain the caller's input: `nosniff` keeps browsers
/// from interpreting it as HTML.
pub fn text(status: StatusCode, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, plain);
    let nosniff = HeaderValue::from_static("nosniff");
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}
