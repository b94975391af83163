//! The counts as the SDK metrics of the semantic conventions
//! (<https://opentelemetry.io/docs/specs/semconv/otel/sdk-metrics/>), and the
//! dropped log lines, in Prometheus' text format.

use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder};

use super::counts::{DropReason, SpanCounts};

const SAMPLING_RESULT: &str = "otel_span_sampling_result";
const SAMPLED: &str = "RECORD_AND_SAMPLE";
const ERROR_TYPE: &str = "error_type";
const COMPONENT_TYPE: &str = "otel_component_type";
const BATCHING: &str = "batching_span_processor";

/// All metrics.
pub(super) fn text(
    counts: &SpanCounts,
    dropped_lines: impl IntoIterator<Item = (&'static str, u64)>,
) -> String {
    let registry = Registry::new();
    let dropped = |by_exporter| {
        let reasons = DropReason::ALL.into_iter();
        reasons
            .filter(move |reason| reason.is_of_exporter() == by_exporter)
            .map(|reason| (reason.as_str(), counts.dropped_by(reason)))
    };
    let dropped_by_exporter: u64 = dropped(true).map(|(_, spans)| spans).sum();
    let sampled = counts.created - counts.sampled_out;
    let passed_to_exporter = counts.exported + dropped_by_exporter;

    counter(
        &registry,
        ("otel_sdk_span_started_total", SAMPLING_RESULT),
        "Spans started, by the sampler's decision.",
        [(SAMPLED, sampled), ("DROP", counts.sampled_out)],
    );
    gauge(
        &registry,
        ("otel_sdk_span_live", SAMPLING_RESULT),
        "Spans that have not ended.",
        (SAMPLED, counts.open),
    );
    counter(
        &registry,
        ("otel_sdk_processor_span_processed_total", ERROR_TYPE),
        "Spans passed to the exporter; with error_type, spans dropped before it.",
        [("", passed_to_exporter)].into_iter().chain(dropped(false)),
    );
    counter(
        &registry,
        ("otel_sdk_exporter_span_exported_total", ERROR_TYPE),
        "Spans that the Collector accepted; with error_type, spans that the exporter dropped.",
        [("", counts.exported)].into_iter().chain(dropped(true)),
    );
    gauge(
        &registry,
        ("otel_sdk_processor_span_queue_size", COMPONENT_TYPE),
        "Spans that are queued or being sent.",
        (BATCHING, counts.queued),
    );
    gauge(
        &registry,
        ("otel_sdk_processor_span_queue_capacity", COMPONENT_TYPE),
        "The maximum number of spans in the queue.",
        (BATCHING, counts.queue_capacity),
    );
    counter(
        &registry,
        ("log_lines_dropped_total", "reason"),
        "Log lines that could not be written to standard output.",
        dropped_lines,
    );
    TextEncoder::new()
        .encode_to_string(&registry.gather())
        .expect("metrics with constant names can be encoded")
}

fn counter(
    registry: &Registry,
    (name, label): (&str, &str),
    help: &str,
    values: impl IntoIterator<Item = (&'static str, u64)>,
) {
    let counter = IntCounterVec::new(Opts::new(name, help), &[label]).expect("the name is valid");
    for (label, value) in values {
        counter.with_label_values(&[label]).inc_by(value);
    }
    let registered = registry.register(Box::new(counter));
    registered.expect("the name is unique");
}

fn gauge(
    registry: &Registry,
    (name, label): (&str, &str),
    help: &str,
    (label_value, value): (&str, u64),
) {
    let gauge = IntGaugeVec::new(Opts::new(name, help), &[label]).expect("the name is valid");
    let value = i64::try_from(value).unwrap_or(i64::MAX);
    gauge.with_label_values(&[label_value]).set(value);
    let registered = registry.register(Box::new(gauge));
    registered.expect("the name is unique");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_span_is_in_the_metrics() {
        let counts = SpanCounts {
            created: 100,
            sampled_out: 1,
            open: 2,
            queued: 3,
            queue_capacity: 16,
            exported: 65,
            dropped: [4, 5, 6, 1, 7, 2, 0, 4],
        };
        assert!(counts.is_exact(), "the example must add up");
        let text = text(&counts, [("queue_full", 8)]);
        for expected in [
            "# TYPE otel_sdk_span_started_total counter",
            "otel_sdk_span_started_total{otel_span_sampling_result=\"RECORD_AND_SAMPLE\"} 99",
            "otel_sdk_span_started_total{otel_span_sampling_result=\"DROP\"} 1",
            "# TYPE otel_sdk_span_live gauge",
            "otel_sdk_span_live{otel_span_sampling_result=\"RECORD_AND_SAMPLE\"} 2",
            "otel_sdk_processor_span_processed_total{error_type=\"\"} 84",
            "otel_sdk_processor_span_processed_total{error_type=\"queue_full\"} 4",
            "otel_sdk_exporter_span_exported_total{error_type=\"\"} 65",
            "otel_sdk_exporter_span_exported_total{error_type=\"rejected\"} 6",
            "otel_sdk_exporter_span_exported_total{error_type=\"not_otlp\"} 1",
            "otel_sdk_processor_span_queue_size{otel_component_type=\"batching_span_processor\"} 3",
            "otel_sdk_processor_span_queue_capacity{otel_component_type=\"batching_span_processor\"} 16",
            "log_lines_dropped_total{reason=\"queue_full\"} 8",
        ] {
            assert!(
                text.lines().any(|line| line == expected),
                "{expected:?} is missing from:\n{text}"
            );
        }
    }
}
