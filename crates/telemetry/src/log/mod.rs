//! Logs on standard output: JSON lines, or short coloured ones on a terminal,
//! each with the trace and span that it belongs to.
//!
//! `RUST_LOG` chooses what is logged (`info` by default, targets as in
//! `info,http=warn`). It chooses nothing about spans: a quiet log never breaks a trace.

mod format;

use std::io::IsTerminal;

use opentelemetry_sdk::trace::SdkTracer;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use self::format::{Format, Style};
use crate::InitError;

/// Installs logs and, where there is a tracer, the layer that makes spans of
/// the application's own `#[instrument]`s.
///
/// One filter stands before both. A filter for each layer would lose spans:
/// `tracing::enabled!` leaves such filters with its own answer, and they give it
/// to the next span.
pub(crate) fn install(targets: Targets, tracer: Option<SdkTracer>) -> Result<(), InitError> {
    let style = if std::io::stdout().is_terminal() {
        Style::Terminal
    } else {
        Style::Json
    };
    let logs = tracing_subscriber::fmt::layer()
        .event_format(Format(style))
        .with_ansi(style == Style::Terminal);
    let makes_spans = tracer.is_some();
    let filter = filter_fn(move |metadata| {
        if metadata.is_span() {
            makes_spans && *metadata.level() <= LevelFilter::INFO
        } else {
            targets.would_enable(metadata.target(), metadata.level())
        }
    });
    tracing_subscriber::registry()
        .with(filter)
        .with(logs)
        .with(tracer.map(spans))
        .try_init()
        .map_err(|_| InitError::AlreadyInitialised)
}

/// The layer for the application's own spans. What is logged inside one becomes
/// an event of it, and never its status: an `error!` on the way to a 404 is no
/// failure of the span.
fn spans<S>(tracer: SdkTracer) -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_error_events_to_status(false)
        .with_error_events_to_exceptions(false)
}
