//! The `tracing` layers of this crate: one that creates spans, and one that
//! writes logs to standard output, as JSON lines or, on a terminal, as short
//! coloured lines. Each line has the ids of its trace and span. A reader of
//! standard output that is slow or stalled delays nothing; see `output.rs`.

mod anchored;
mod fields;
mod filter;
mod format;
mod json;
mod line_queue;
mod output;
mod panic_hook;

use std::io::IsTerminal;

use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::debug_fn;
use tracing_subscriber::registry::LookupSpan;

use self::anchored::{Attach, Detach};
use self::filter::{Events, EventsAndSpans};
use self::format::{Format, Style};
pub use self::output::flush_log;
pub(crate) use self::output::{Output, dropped_lines};
pub(crate) use self::panic_hook::install as install_panic_hook;
use crate::tracer::Tracer;

/// The layer that writes the log lines that `targets` enables.
pub(crate) fn layer<S>(targets: Targets, output: Output) -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let style = if std::io::stdout().is_terminal() {
        Style::Terminal
    } else {
        Style::Json
    };
    formatted(style)
        .with_ansi(style == Style::Terminal)
        .with_writer(output)
        .with_filter(Events(targets))
}

/// The layer that formats log lines.
fn formatted<S>(
    style: Style,
) -> tracing_subscriber::fmt::Layer<S, impl for<'w> FormatFields<'w> + 'static, Format>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    tracing_subscriber::fmt::layer()
        .fmt_fields(debug_fn(fields::terminal))
        .event_format(Format(style))
}

/// The layer that creates spans for `#[instrument]` and `tracing`'s macros.
///
/// Events inside such a span are added to it, and an event of level ERROR sets
/// its status to Error. The HTTP and endpoint spans are not `tracing` spans, so
/// events do not change them: an `error!` before a 404 is not a failure.
pub(crate) fn span_layer<S>(tracer: Tracer, targets: Targets) -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let spans = tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_error_events_to_status(false)
        .with_error_events_to_exceptions(false);
    Attach
        .and_then(spans)
        .and_then(Detach)
        .with_filter(EventsAndSpans(targets))
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TracerProvider;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tracing::Level;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;
    use crate::finished_spans::FinishedSpans;

    #[tracing::instrument(level = "debug")]
    fn detail() {}

    #[tracing::instrument]
    fn work() {
        detail();
    }

    /// The names of the spans that `work` creates, with another layer that has its own filter.
    fn spans_of(rust_log: &str, work: impl FnOnce()) -> Vec<String> {
        let spans = FinishedSpans::default();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(spans.clone())
            .build();
        let targets: Targets = rust_log.parse().expect("the example is valid");
        let subscriber = tracing_subscriber::registry()
            .with(span_layer(
                Tracer::new(provider.tracer("test")),
                targets.clone(),
            ))
            .with(layer(
                targets,
                Output::start().expect("a thread can be started"),
            ));
        tracing::subscriber::with_default(subscriber, work);
        let names = spans.all().into_iter().map(|span| span.name.into_owned());
        names.collect()
    }

    #[test]
    fn rust_log_adds_debug_spans_and_never_removes_info_spans() {
        for (rust_log, expected) in [
            ("off", &["work"][..]),
            ("warn", &["work"]),
            ("info", &["work"]),
            ("other=debug", &["work"]),
            ("debug", &["detail", "work"]),
            ("warn,telemetry=debug", &["detail", "work"]),
            ("trace", &["detail", "work"]),
        ] {
            assert_eq!(spans_of(rust_log, work), expected, "RUST_LOG={rust_log}");
        }
    }

    #[test]
    fn a_check_whether_a_level_is_enabled_does_not_remove_the_next_span() {
        let names = spans_of("warn", || {
            for _ in 0..3 {
                work();
                assert!(!tracing::enabled!(Level::DEBUG));
                work();
            }
        });
        assert_eq!(names, ["work"; 6]);
    }
}
