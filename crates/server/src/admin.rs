//! The admin port's own routes: health and the figures of telemetry. None
//! makes a span.

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use http::{StatusCode, header};
use telemetry::Accounting;

use crate::drain::{Drain, Phase};

/// `/livez`, `/readyz` and `/metrics`, beside the service's internal routes.
///
/// Ready is what accepts connections on the public port: until the drain
/// begins, or with `drain_ready` until it closes.
pub(crate) fn routes(
    internal: Router,
    public: Drain,
    drain_ready: bool,
    accounting: Accounting,
) -> Router {
    internal
        .route("/livez", get(async || "alive\n"))
        .route("/readyz", get(async move || ready(&public, drain_ready)))
        .route("/metrics", get(async move || metrics(&accounting)))
}

fn ready(public: &Drain, drain_ready: bool) -> impl IntoResponse + use<> {
    match public.phase() {
        Phase::Serving => (StatusCode::OK, "ready\n"),
        Phase::Draining if drain_ready => (StatusCode::OK, "draining\n"),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
    }
}

fn metrics(accounting: &Accounting) -> impl IntoResponse + use<> {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], accounting.to_prometheus())
}
