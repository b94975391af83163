//! How one log event is written.

use std::fmt;

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// How events look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// One JSON object a line.
    Json,
    /// For a person at a terminal.
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
        _: &FmtContext<'_, S, N>,
        writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        match self.0 {
            Style::Json => json(writer, event),
            Style::Terminal => terminal(writer, event),
        }
    }
}

/// The trace and span that are current, in the JSON fields that OpenTelemetry's
/// specification names for logs in other formats: `trace_id`, `span_id`, `trace_flags`.
fn json(mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
    writer.write_str("{\"timestamp\":\"")?;
    SystemTime.format_time(&mut writer)?;
    write!(
        writer,
        "\",\"level\":\"{}\",\"target\":",
        event.metadata().level()
    )?;
    quoted(&mut writer, event.metadata().target())?;
    let mut fields = JsonFields {
        writer: &mut writer,
        result: Ok(()),
    };
    event.record(&mut fields);
    fields.result?;
    Context::map_current(|context| {
        let span = context.span();
        let span = span.span_context();
        if span.is_valid() {
            let flags = span.trace_flags().to_u8();
            let (trace, span) = (span.trace_id(), span.span_id());
            write!(
                writer,
                ",\"trace_id\":\"{trace}\",\"span_id\":\"{span}\",\"trace_flags\":\"{flags:02x}\""
            )?;
        }
        writer.write_str("}\n")
    })
}

fn terminal(mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
    let colour = match *event.metadata().level() {
        Level::ERROR => 31,
        Level::WARN => 33,
        Level::INFO => 32,
        _ => 34,
    };
    let level = event.metadata().level();
    if writer.has_ansi_escapes() {
        write!(writer, "\x1b[{colour}m{level:>5}\x1b[0m")?;
    } else {
        write!(writer, "{level:>5}")?;
    }
    let mut fields = PlainFields {
        writer: &mut writer,
        result: Ok(()),
    };
    event.record(&mut fields);
    fields.result?;
    Context::map_current(|context| {
        let span = context.span();
        let span = span.span_context();
        if span.is_valid() {
            writeln!(writer, " trace={}", span.trace_id())
        } else {
            writeln!(writer)
        }
    })
}

/// Writes a text as a JSON string.
fn quoted(writer: &mut Writer<'_>, text: &str) -> fmt::Result {
    let json = serde_json::to_string(text).map_err(|_| fmt::Error)?;
    writer.write_str(&json)
}

struct JsonFields<'a, 'writer> {
    writer: &'a mut Writer<'writer>,
    result: fmt::Result,
}

impl JsonFields<'_, '_> {
    fn write(&mut self, field: &Field, value: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        if self.result.is_ok() {
            self.result = self
                .writer
                .write_str(",")
                .and_then(|()| quoted(self.writer, field.name()))
                .and_then(|()| self.writer.write_str(":"))
                .and_then(|()| value(self.writer));
        }
    }
}

impl Visit for JsonFields<'_, '_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no NaN and no infinities.
        if value.is_finite() {
            self.write(field, |writer| write!(writer, "{value}"));
        } else {
            self.write(field, |writer| quoted(writer, &value.to_string()));
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.write(field, |writer| write!(writer, "{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.write(field, |writer| write!(writer, "{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.write(field, |writer| write!(writer, "{value}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.write(field, |writer| quoted(writer, value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.write(field, |writer| quoted(writer, &format!("{value:?}")));
    }
}

struct PlainFields<'a, 'writer> {
    writer: &'a mut Writer<'writer>,
    result: fmt::Result,
}

impl Visit for PlainFields<'_, '_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        // Control characters in what a caller sent must not reach the terminal.
        self.record_debug(field, &format_args!("{}", value.escape_debug()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if self.result.is_ok() {
            self.result = match field.name() {
                "message" => write!(self.writer, " {value:?}"),
                name => write!(self.writer, " {name}={value:?}"),
            };
        }
    }
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
        let layer = tracing_subscriber::fmt::layer()
            .event_format(Format(style))
            .with_ansi(false)
            .with_writer(move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        let bytes = captured.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_line_is_one_json_object_whatever_it_holds() {
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
        assert_eq!(value["nan"], "NaN");
        assert_eq!(value["yes"], true);
        assert_eq!(line.lines().count(), 1, "one event is one line");
        assert!(
            value.get("trace_id").is_none(),
            "outside of a trace there is no trace_id"
        );
    }

    #[test]
    fn a_line_names_the_current_trace_and_span() {
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
    fn a_terminal_line_escapes_control_characters() {
        let line = logged(Style::Terminal, || tracing::warn!(path = "/\x1b[2J", "odd"));
        assert!(
            !line.contains('\x1b'),
            "a caller's escape sequence reached the terminal: {line:?}"
        );
    }
}
