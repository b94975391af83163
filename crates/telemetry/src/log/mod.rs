//! Logs on standard output: JSON lines, or short coloured ones on a terminal,
//! each with the trace and span that it belongs to.
//!
//! `RUST_LOG` chooses what is logged (`info` by default, targets as in
//! `info,http=warn`). It chooses nothing about spans: the OpenTelemetry layer has
//! a filter of its own, so that a quiet log never breaks a trace.

mod format;

use std::io::IsTerminal;

use opentelemetry_sdk::trace::SdkTracer;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use self::format::{Format, Style};
use crate::InitError;

const VARIABLE: &str = "RUST_LOG";

/// Installs logs and, where there is a tracer, the layer that makes spans of
/// the application's own `#[instrument]`s.
pub(crate) fn install(tracer: Option<SdkTracer>) -> Result<(), InitError> {
    let style = if std::io::stdout().is_terminal() {
        Style::Terminal
    } else {
        Style::Json
    };
    let logs = tracing_subscriber::fmt::layer()
        .event_format(Format(style))
        .with_ansi(style == Style::Terminal)
        .with_filter(targets()?);
    let spans = tracer.map(|tracer| {
        tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(|metadata| {
                metadata.is_span() && *metadata.level() <= LevelFilter::INFO
            }))
    });
    tracing_subscriber::registry()
        .with(logs)
        .with(spans)
        .try_init()
        .map_err(|_| InitError::AlreadyInitialised)
}

fn targets() -> Result<Targets, InitError> {
    match std::env::var(VARIABLE) {
        Ok(value) if !value.trim().is_empty() => value.parse().map_err(|_| InitError::LogFilter {
            variable: VARIABLE,
            value,
        }),
        _ => Ok(Targets::new().with_default(LevelFilter::INFO)),
    }
}
