//! The admin port's own routes: health and the figures of telemetry. None
//! makes a span.

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use http::{StatusCode, header};
use telemetry::Accounting;

use crate::drain::Drain;

/// `/livez`, `/readyz` and `/metrics`, beside the service's internal routes.
pub(crate) fn routes(internal: Router, public: Drain, accounting: Accounting) -> Router {
    internal
        .route("/livez", get(async || "alive\n"))
        .route("/readyz", get(async move || ready(&public)))
        .route("/metrics", get(async move || metrics(&accounting)))
}

fn ready(public: &Drain) -> impl IntoResponse + use<> {
    if public.has_begun() {
        (StatusCode::SERVICE_UNAVAILABLE, "draining\n")
    } else {
        (StatusCode::OK, "ready\n")
    }
}

fn metrics(accounting: &Accounting) -> impl IntoResponse + use<> {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], accounting.to_prometheus())
}
