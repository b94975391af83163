//! The counts as the SDK metrics of the semantic conventions
//! (<https://opentelemetry.io/docs/specs/semconv/otel/sdk-metrics/>), in
//! Prometheus' text format.

use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder};

use super::counts::{DropReason, SpanCounts};

/// The reasons for which spans are dropped by the exporter, after the queue.
const DROPPED_BY_EXPORTER: [DropReason; 3] = [
    DropReason::ExportTimeout,
    DropReason::Rejected,
    DropReason::ShutdownTimeout,
];

/// All metrics.
pub(super) fn text(counts: &SpanCounts) -> String {
    let registry = Registry::new();
    spans(&registry, counts);
    processor(&registry, counts);
    exporter(&registry, counts);
    TextEncoder::new()
        .encode_to_string(&registry.gather())
        .expect("metrics with constant names can be encoded")
}

fn spans(registry: &Registry, counts: &SpanCounts) {
    const RESULT: &str = "otel_span_sampling_result";
    let started = counter(
        registry,
        "otel_sdk_span_started_total",
        "Spans started, by the sampler's decision.",
        RESULT,
    );
    let sampled = counts.created - counts.sampled_out;
    started
        .with_label_values(&["RECORD_AND_SAMPLE"])
        .inc_by(sampled);
    started
        .with_label_values(&["DROP"])
        .inc_by(counts.sampled_out);
    let live = gauge(
        registry,
        "otel_sdk_span_live",
        "Spans that have not ended.",
        RESULT,
    );
    live.with_label_values(&["RECORD_AND_SAMPLE"])
        .set(signed(counts.open));
}

fn processor(registry: &Registry, counts: &SpanCounts) {
    const COMPONENT: &str = "otel_component_type";
    const BATCHING: [&str; 1] = ["batching_span_processor"];
    let processed = counter(
        registry,
        "otel_sdk_processor_span_processed_total",
        "Spans passed to the exporter; with error_type, spans dropped before it.",
        "error_type",
    );
    let exporter_drops = DROPPED_BY_EXPORTER.map(|reason| counts.dropped_by(reason));
    let passed = counts.exported + exporter_drops.iter().sum::<u64>();
    processed.with_label_values(&[""]).inc_by(passed);
    for reason in DropReason::ALL {
        if !DROPPED_BY_EXPORTER.contains(&reason) {
            let dropped = counts.dropped_by(reason);
            processed
                .with_label_values(&[reason.as_str()])
                .inc_by(dropped);
        }
    }
    let size = gauge(
        registry,
        "otel_sdk_processor_span_queue_size",
        "Spans that are queued or being sent.",
        COMPONENT,
    );
    size.with_label_values(&BATCHING).set(signed(counts.queued));
    let capacity = gauge(
        registry,
        "otel_sdk_processor_span_queue_capacity",
        "The maximum number of spans in the queue.",
        COMPONENT,
    );
    capacity
        .with_label_values(&BATCHING)
        .set(signed(counts.queue_capacity));
}

fn exporter(registry: &Registry, counts: &SpanCounts) {
    let exported = counter(
        registry,
        "otel_sdk_exporter_span_exported_total",
        "Spans that the Collector accepted; with error_type, spans that the exporter dropped.",
        "error_type",
    );
    exported.with_label_values(&[""]).inc_by(counts.exported);
    for reason in DROPPED_BY_EXPORTER {
        let dropped = counts.dropped_by(reason);
        exported
            .with_label_values(&[reason.as_str()])
            .inc_by(dropped);
    }
}

fn counter(registry: &Registry, name: &str, help: &str, label: &str) -> IntCounterVec {
    let counter = IntCounterVec::new(Opts::new(name, help), &[label]).expect("the name is valid");
    let registered = registry.register(Box::new(counter.clone()));
    registered.expect("the name is unique");
    counter
}

fn gauge(registry: &Registry, name: &str, help: &str, label: &str) -> IntGaugeVec {
    let gauge = IntGaugeVec::new(Opts::new(name, help), &[label]).expect("the name is valid");
    let registered = registry.register(Box::new(gauge.clone()));
    registered.expect("the name is unique");
    gauge
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
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
            exported: 66,
            dropped: [4, 5, 6, 7, 2, 0, 4],
        };
        assert!(counts.is_exact(), "the example must add up");
        let text = text(&counts);
        for expected in [
            "# TYPE otel_sdk_span_started_total counter",
            "otel_sdk_span_started_total{otel_span_sampling_result=\"RECORD_AND_SAMPLE\"} 99",
            "otel_sdk_span_started_total{otel_span_sampling_result=\"DROP\"} 1",
            "# TYPE otel_sdk_span_live gauge",
            "otel_sdk_span_live{otel_span_sampling_result=\"RECORD_AND_SAMPLE\"} 2",
            "otel_sdk_processor_span_processed_total{error_type=\"\"} 84",
            "otel_sdk_processor_span_processed_total{error_type=\"queue_full\"} 4",
            "otel_sdk_exporter_span_exported_total{error_type=\"\"} 66",
            "otel_sdk_exporter_span_exported_total{error_type=\"rejected\"} 6",
            "otel_sdk_processor_span_queue_size{otel_component_type=\"batching_span_processor\"} 3",
            "otel_sdk_processor_span_queue_capacity{otel_component_type=\"batching_span_processor\"} 16",
        ] {
            assert!(
                text.lines().any(|line| line == expected),
                "{expected:?} is missing from:\n{text}"
            );
        }
    }
}
