//! The admin port's own routes: health checks and metrics. They make no spans.

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use http::{StatusCode, header};
use telemetry::Accounting;

use crate::limits::Rejections;
use crate::shutdown::{Drain, Phase};

/// Adds `/livez`, `/readyz` and `/metrics` to the service's internal routes.
///
/// `/readyz` is ready until the public port starts to drain, or with
/// `drain_ready` until it accepts no more connections.
pub(crate) fn routes(
    internal: Router,
    public: Drain,
    drain_ready: bool,
    accounting: Accounting,
    rejections: Rejections,
) -> Router {
    internal
        .route("/livez", get(async || "alive\n"))
        .route("/readyz", get(async move || readyz(&public, drain_ready)))
        .route(
            "/metrics",
            get(async move || metrics(&accounting, &rejections)),
        )
}

fn readyz(public: &Drain, drain_ready: bool) -> (StatusCode, &'static str) {
    match public.phase() {
        Phase::Serving => (StatusCode::OK, "ready\n"),
        Phase::Draining if drain_ready => (StatusCode::OK, "draining\n"),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
    }
}

fn metrics(accounting: &Accounting, rejections: &Rejections) -> impl IntoResponse + use<> {
    let content_type = "text/plain; version=0.0.4; charset=utf-8";
    let metrics = accounting.to_prometheus() + &rejections.to_prometheus();
    ([(header::CONTENT_TYPE, content_type)], metrics)
}
