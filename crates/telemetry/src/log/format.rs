//! The format of one log line.

use std::fmt;
use std::time::SystemTime;

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;
use serde::Serializer;
use serde::ser::SerializeMap;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_log::NormalizeEvent;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::fields::{JsonFields, Limited};
use super::json::TerminalSafe;
use crate::hex;

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// One JSON object per line.
    Json,
    /// Short and coloured, for a terminal.
    Terminal,
}

/// The event formatter of both styles.
pub(crate) struct Format(pub(crate) Style);

impl<S, N> FormatEvent<S, N> for Format
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        match self.0 {
            Style::Json => json(writer, event),
            Style::Terminal => terminal(context, writer, event),
        }
    }
}

/// The current trace and span have the field names that OpenTelemetry's
/// specification defines for logs in other formats: `trace_id`, `span_id`, `trace_flags`.
fn json(mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
    let mut line = Vec::with_capacity(512);
    write_json(&mut line, event).map_err(|_| fmt::Error)?;
    writer.write_str(std::str::from_utf8(&line).map_err(|_| fmt::Error)?)?;
    writer.write_char('\n')
}

fn write_json(line: &mut Vec<u8>, event: &Event<'_>) -> serde_json::Result<()> {
    // For a line of the `log` crate, `tracing-log` puts the metadata into fields.
    let normalized = event.normalized_metadata();
    let metadata = normalized.as_ref().unwrap_or_else(|| event.metadata());
    let timestamp = humantime::format_rfc3339_micros(SystemTime::now()).to_string();
    let mut serializer = serde_json::Serializer::with_formatter(line, TerminalSafe);
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("timestamp", &timestamp)?;
    map.serialize_entry("level", metadata.level().as_str())?;
    map.serialize_entry("target", metadata.target())?;
    if normalized.is_some() {
        let mut message = Message::default();
        event.record(&mut message);
        map.serialize_entry("message", &message.0)?;
    } else {
        let mut fields = JsonFields::new(&mut map);
        event.record(&mut fields);
        fields.finish()?;
    }
    let context = Context::current();
    let span = context.span();
    let span = span.span_context();
    if span.is_valid() {
        let flags = span.trace_flags().to_u8();
        map.serialize_entry("trace_id", &hex::encode(&span.trace_id().to_bytes()))?;
        map.serialize_entry("span_id", &hex::encode(&span.span_id().to_bytes()))?;
        map.serialize_entry("trace_flags", &hex::encode(&[flags]))?;
    }
    map.end()
}

/// The message of a line of the `log` crate, without the other fields.
#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = Limited::message(value).to_string();
        }
    }
}

/// The trace id, then `tracing-subscriber`'s compact format, with fields by
/// [`fields::terminal`](super::fields::terminal).
fn terminal<S, N>(
    context: &FmtContext<'_, S, N>,
    mut writer: Writer<'_>,
    event: &Event<'_>,
) -> fmt::Result
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    if let Some(trace_id) = crate::trace_id() {
        write!(writer, "{trace_id} ")?;
    }
    tracing_subscriber::fmt::format()
        .compact()
        .without_time()
        .with_target(false)
        .format_event(context, writer, event)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(style: Style, log: impl FnOnce()) -> String {
        let captured = Captured::default();
        let writer = captured.clone();
        let layer = crate::log::formatted(style)
            .with_ansi(false)
            .with_writer(move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        let bytes = captured.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_line_is_one_json_object_whatever_its_fields() {
        let line = logged(Style::Json, || {
            tracing::info!(
                text = "a \"quote\"\nand a line",
                number = 7,
                share = 0.5,
                nan = f64::NAN,
                yes = true,
                "hi"
            );
        });
        let value: serde_json::Value =
            serde_json::from_str(&line).expect("a log line must be JSON");
        assert_eq!(value["message"], "hi");
        assert_eq!(value["text"], "a \"quote\"\nand a line");
        assert_eq!(value["number"], 7);
        assert_eq!(value["share"], 0.5);
        assert!(value["nan"].is_null(), "JSON has no NaN");
        assert_eq!(value["yes"], true);
        assert_eq!(line.lines().count(), 1, "one event is one line");
        assert!(
            value.get("trace_id").is_none(),
            "outside of a trace a line has no trace_id"
        );
    }

    #[test]
    fn a_line_has_the_ids_of_the_current_trace_and_span() {
        use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId};
        let span = SpanContext::new(
            TraceId::from(0xabc),
            SpanId::from(0xdef),
            TraceFlags::SAMPLED,
            true,
            <_>::default(),
        );
        let line = logged(Style::Json, || {
            let _attached = Context::new().with_remote_span_context(span).attach();
            tracing::info!("hi");
        });
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["trace_id"], "00000000000000000000000000000abc");
        assert_eq!(value["span_id"], "0000000000000def");
        assert_eq!(value["trace_flags"], "01");
    }

    #[test]
    fn a_line_of_the_log_crate_has_its_own_target_and_level() {
        // An error means that another test of this process has installed it.
        let _ = tracing_log::LogTracer::init();
        let line = logged(Style::Json, || log::warn!(target: "db", "no connection"));
        let value: serde_json::Value =
            serde_json::from_str(&line).expect("a log line must be JSON");
        assert_eq!(value["message"], "no connection");
        assert_eq!(value["target"], "db");
        assert_eq!(value["level"], "WARN");
        assert!(value.get("log.file").is_none(), "{line}");
        let line = logged(
            Style::Terminal,
            || log::warn!(target: "db", "no connection"),
        );
        assert_eq!(line, " WARN no connection\n");
    }

    /// Everything that a terminal would interpret.
    const UNSAFE: &str = "\x1b[2J\x07\x08\n\r\t\x7f\u{9b}2J\u{85}\u{202e}\u{2066}\u{200f}\u{2028}";

    fn log_unsafe_text() {
        let error = std::io::Error::other(UNSAFE);
        tracing::warn!(
            text = UNSAFE,
            display = %UNSAFE,
            debug = ?UNSAFE,
            format = format_args!("{UNSAFE}"),
            error = &error as &dyn std::error::Error,
            "{UNSAFE}"
        );
    }

    fn assert_safe(line: &str) {
        let unsafe_ones: String = line
            .trim_end_matches('\n')
            .chars()
            .filter(|character| super::super::fields::is_unsafe(*character))
            .collect();
        assert_eq!(
            unsafe_ones, "",
            "a caller's characters reach the terminal: {line:?}"
        );
    }

    #[test]
    fn a_terminal_line_escapes_what_a_terminal_interprets_in_every_field() {
        let line = logged(Style::Terminal, log_unsafe_text);
        assert_safe(&line);
        assert_eq!(line.matches("[2J").count(), 6, "all are visible: {line}");
        let line = logged(Style::Terminal, || {
            tracing::info!(path = %"/hello/Jürgen", "größer 😀");
        });
        assert_eq!(line, " INFO größer 😀 path=/hello/Jürgen\n");
    }

    #[test]
    fn a_json_line_escapes_the_same_and_its_values_do_not_change() {
        let line = logged(Style::Json, log_unsafe_text);
        assert_safe(&line);
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        for field in ["text", "display", "format", "error", "message"] {
            assert_eq!(value[field], UNSAFE, "{field}");
        }
    }

    #[test]
    fn long_fields_are_truncated_and_marked_and_no_character_is_split() {
        for text in ["x".repeat(30_000), "ü".repeat(1025), "😀".repeat(2000)] {
            for style in [Style::Json, Style::Terminal] {
                let error = std::io::Error::other(text.clone());
                let line = logged(style, || {
                    tracing::warn!(
                        text,
                        display = %text,
                        error = &error as &dyn std::error::Error,
                        "{text}"
                    );
                });
                let characters = text.chars().next().map_or(0, |it| line.matches(it).count());
                let kept = 1024 * 4 - usize::from(style == Style::Terminal);
                assert!(
                    (kept..=1024 * 4 + 4).contains(&characters),
                    "{style:?} keeps {characters} characters: {line}"
                );
                assert_eq!(line.matches("…[truncated]").count(), 4, "{style:?}: {line}");
            }
        }
        let line = logged(Style::Json, || tracing::info!(text = "ü".repeat(1024)));
        assert!(!line.contains("truncated"), "1024 characters fit: {line}");
    }
}
