//! The figures as the SDK metrics of the semantic conventions
//! (<https://opentelemetry.io/docs/specs/semconv/otel/sdk-metrics/>), in
//! Prometheus' text format.

use std::fmt::Write;

use super::accounting::{DropReason, SpanCounts};

/// The whole exposition.
pub(super) fn text(counts: &SpanCounts) -> String {
    let mut out = String::new();
    let sampled = counts.created - counts.sampled_out;
    metric(
        &mut out,
        "otel_sdk_span_started_total",
        "counter",
        "Spans started, by what the sampler said.",
    );
    line(
        &mut out,
        "otel_sdk_span_started_total",
        "otel_span_sampling_result=\"RECORD_AND_SAMPLE\"",
        sampled,
    );
    line(
        &mut out,
        "otel_sdk_span_started_total",
        "otel_span_sampling_result=\"DROP\"",
        counts.sampled_out,
    );
    metric(
        &mut out,
        "otel_sdk_span_live",
        "gauge",
        "Spans that have not ended yet.",
    );
    line(
        &mut out,
        "otel_sdk_span_live",
        "otel_span_sampling_result=\"RECORD_AND_SAMPLE\"",
        counts.open,
    );
    let name = "otel_sdk_processor_span_processed_total";
    metric(
        &mut out,
        name,
        "counter",
        "Spans handed to the exporter or lost before it, by reason.",
    );
    let lost_later = [
        DropReason::ExportTimeout,
        DropReason::Rejected,
        DropReason::ShutdownTimeout,
    ];
    let handed: u64 = counts.exported
        + lost_later
            .iter()
            .map(|reason| counts.dropped_by(*reason))
            .sum::<u64>();
    line(&mut out, name, "error_type=\"\"", handed);
    for reason in DropReason::ALL {
        if !lost_later.contains(&reason) {
            line(
                &mut out,
                name,
                &format!("error_type=\"{}\"", reason.as_str()),
                counts.dropped_by(reason),
            );
        }
    }
    let name = "otel_sdk_exporter_span_exported_total";
    metric(
        &mut out,
        name,
        "counter",
        "Spans that the exporter is done with; without error_type, they arrived.",
    );
    line(&mut out, name, "error_type=\"\"", counts.exported);
    for reason in lost_later {
        line(
            &mut out,
            name,
            &format!("error_type=\"{}\"", reason.as_str()),
            counts.dropped_by(reason),
        );
    }
    let name = "otel_sdk_processor_span_queue_size";
    metric(
        &mut out,
        name,
        "gauge",
        "Spans that wait in the queue or are being sent.",
    );
    line(
        &mut out,
        name,
        "otel_component_type=\"batching_span_processor\"",
        counts.queued,
    );
    let name = "otel_sdk_processor_span_queue_capacity";
    metric(&mut out, name, "gauge", "Spans that the queue can hold.");
    line(
        &mut out,
        name,
        "otel_component_type=\"batching_span_processor\"",
        counts.queue_capacity,
    );
    out
}

fn metric(out: &mut String, name: &str, kind: &str, help: &str) {
    writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}").expect("a String takes everything");
}

fn line(out: &mut String, name: &str, labels: &str, value: u64) {
    writeln!(out, "{name}{{{labels}}} {value}").expect("a String takes everything");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_span_is_in_the_exposition() {
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
            "otel_sdk_span_started_total{otel_span_sampling_result=\"RECORD_AND_SAMPLE\"} 99",
            "otel_sdk_span_started_total{otel_span_sampling_result=\"DROP\"} 1",
            "otel_sdk_span_live{otel_span_sampling_result=\"RECORD_AND_SAMPLE\"} 2",
            "otel_sdk_processor_span_processed_total{error_type=\"\"} 84",
            "otel_sdk_processor_span_processed_total{error_type=\"queue_full\"} 4",
            "otel_sdk_exporter_span_exported_total{error_type=\"\"} 66",
            "otel_sdk_exporter_span_exported_total{error_type=\"rejected\"} 6",
            "otel_sdk_processor_span_queue_size{otel_component_type=\"batching_span_processor\"} 3",
        ] {
            assert!(
                text.contains(expected),
                "{expected:?} is missing from:\n{text}"
            );
        }
    }
}
