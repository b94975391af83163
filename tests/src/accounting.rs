//! What became of a service's spans, by its own counters: on its admin port while it
//! runs, in its last log line when it has ended.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::prometheus::{self, samples, value};

/// A service's span counters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpanCounts {
    /// Spans that the sampler kept.
    pub sampled: u64,
    /// Spans that the sampler dropped.
    pub sampled_out: u64,
    /// Sampled spans that have not ended.
    pub open: u64,
    /// Spans in the queue or in an export that is not finished.
    pub queued: u64,
    /// How many spans the queue can hold; 0 if the counts are from a log line.
    pub queue_capacity: u64,
    /// Spans that the Collector has accepted.
    pub exported: u64,
    /// Lost spans by reason. Reasons with no lost span are not in the map.
    pub dropped: BTreeMap<String, u64>,
}

impl SpanCounts {
    /// Reads `/metrics` of the service whose admin port is at `admin_url`.
    ///
    /// # Errors
    /// If the request fails or a metric is missing.
    pub async fn fetch(admin_url: &str) -> Result<Self> {
        Self::from_prometheus(&prometheus::fetch(admin_url).await?)
    }

    /// Reads metrics in Prometheus' text format.
    ///
    /// # Errors
    /// If a metric is missing.
    pub fn from_prometheus(text: &str) -> Result<Self> {
        const STARTED: &str = "otel_sdk_span_started_total";
        const PROCESSED: &str = "otel_sdk_processor_span_processed_total";
        const EXPORTED: &str = "otel_sdk_exporter_span_exported_total";
        let samples = samples(text);
        let one = |name: &str, label: &str| {
            value(&samples, name, label).with_context(|| format!("reading\n{text}"))
        };
        let mut dropped = BTreeMap::new();
        for sample in &samples {
            let reason = sample.label("error_type").unwrap_or_default();
            if [PROCESSED, EXPORTED].contains(&sample.name)
                && !reason.is_empty()
                && sample.value > 0
            {
                dropped.insert(reason.to_owned(), sample.value);
            }
        }
        Ok(Self {
            sampled: one(STARTED, "otel_span_sampling_result=\"RECORD_AND_SAMPLE\"")?,
            sampled_out: one(STARTED, "otel_span_sampling_result=\"DROP\"")?,
            open: one("otel_sdk_span_live", "")?,
            queued: one("otel_sdk_processor_span_queue_size", "")?,
            queue_capacity: one("otel_sdk_processor_span_queue_capacity", "")?,
            exported: one(EXPORTED, "error_type=\"\"")?,
            dropped,
        })
    }

    /// Reads the counts of a service's last log line.
    ///
    /// # Errors
    /// If `line` is another log line, or counts are missing or contradict each other.
    pub fn from_final_log(line: &Value) -> Result<Self> {
        let message = line["message"].as_str().unwrap_or_default();
        ensure!(
            message.starts_with("telemetry ended"),
            "the last log line must contain the final span counts, but it is {line}"
        );
        let counts = line["spans"].as_str().unwrap_or_default();
        let counts = Self::from_words(counts).with_context(|| format!("the counts of {line}"))?;
        ensure!(
            message.contains("spans were dropped") == (counts.lost() > 0),
            "the last message must mention dropped spans if there are any, and only then: {line}"
        );
        Ok(counts)
    }

    /// Reads `created=8 exported=8 sampled_out=0 dropped=0`.
    fn from_words(text: &str) -> Result<Self> {
        let mut counts = BTreeMap::new();
        for word in text.split_whitespace() {
            let (name, value) = word.split_once('=').context("a word without =")?;
            counts.insert(name.to_owned(), value.parse::<u64>()?);
        }
        let mut take = |name: &str| {
            let count = counts.remove(name);
            count.with_context(|| format!("{name} is missing"))
        };
        let (created, sampled_out) = (take("created")?, take("sampled_out")?);
        let (exported, dropped) = (take("exported")?, take("dropped")?);
        let counts = Self {
            sampled: created
                .checked_sub(sampled_out)
                .context("created < sampled_out")?,
            sampled_out,
            open: take("open").unwrap_or(0),
            queued: take("queued").unwrap_or(0),
            queue_capacity: 0,
            exported,
            // All other words are reasons.
            dropped: counts,
        };
        ensure!(
            counts.lost() == dropped,
            "dropped={dropped} is not the sum of its reasons in {text}"
        );
        Ok(counts)
    }

    /// All spans that were started.
    pub fn created(&self) -> u64 {
        self.sampled + self.sampled_out
    }

    /// All spans that were dropped, for any reason.
    pub fn lost(&self) -> u64 {
        self.dropped.values().sum()
    }

    /// Spans that are neither exported nor dropped yet.
    pub fn pending(&self) -> u64 {
        self.open + self.queued
    }

    /// Whether each created span is sampled out, exported, lost or pending.
    pub fn adds_up(&self) -> bool {
        self.created() == self.sampled_out + self.exported + self.lost() + self.pending()
    }
}

impl fmt::Display for SpanCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "created={} sampled_out={} exported={} open={} queued={} dropped={}",
            self.created(),
            self.sampled_out,
            self.exported,
            self.open,
            self.queued,
            self.lost()
        )?;
        for (reason, spans) in &self.dropped {
            write!(f, " {reason}={spans}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"# HELP otel_sdk_span_started_total Spans started, by sampling result.
# TYPE otel_sdk_span_started_total counter
otel_sdk_span_started_total{otel_span_sampling_result="RECORD_AND_SAMPLE"} 99
otel_sdk_span_started_total{otel_span_sampling_result="DROP"} 1
otel_sdk_span_live{otel_span_sampling_result="RECORD_AND_SAMPLE"} 2
otel_sdk_processor_span_processed_total{error_type=""} 84
otel_sdk_processor_span_processed_total{error_type="queue_full"} 10
otel_sdk_processor_span_processed_total{error_type="unended"} 0
otel_sdk_exporter_span_exported_total{error_type=""} 78
otel_sdk_exporter_span_exported_total{error_type="rejected"} 6
otel_sdk_processor_span_queue_size{otel_component_type="batching_span_processor"} 3
otel_sdk_processor_span_queue_capacity{otel_component_type="batching_span_processor"} 16
"#;

    #[test]
    fn all_counts_are_read_from_metrics() {
        let counts = SpanCounts::from_prometheus(TEXT).unwrap();
        let dropped = [("queue_full", 10), ("rejected", 6)];
        let expected = SpanCounts {
            sampled: 99,
            sampled_out: 1,
            open: 2,
            queued: 3,
            queue_capacity: 16,
            exported: 78,
            dropped: dropped.map(|(reason, n)| (reason.to_owned(), n)).into(),
        };
        assert_eq!(counts, expected);
        assert!(counts.adds_up(), "100 = 1 + 78 + 16 + 5: {counts}");
    }

    #[test]
    fn a_missing_span_is_noticed() {
        let text = TEXT.replace("\"\"} 78", "\"\"} 77");
        assert!(!SpanCounts::from_prometheus(&text).unwrap().adds_up());
    }

    #[test]
    fn the_error_names_a_missing_metric() {
        let text = TEXT.replace("otel_sdk_span_live{", "otel_sdk_span_alive{");
        let error = SpanCounts::from_prometheus(&text).unwrap_err();
        assert!(
            format!("{error:#}").contains("no otel_sdk_span_live"),
            "{error:#}"
        );
    }

    #[test]
    fn the_counts_of_a_log_line_are_read_with_their_reasons() {
        let text = "created=100 exported=90 sampled_out=2 dropped=8 queue_full=7 unended=1";
        let counts = SpanCounts::from_words(text).unwrap();
        assert!(counts.adds_up(), "100 = 90 + 2 + 8: {counts}");
        assert_eq!(counts.dropped["queue_full"], 7);
    }

    #[test]
    fn a_dropped_span_without_a_reason_is_an_error() {
        let text = "created=100 exported=90 sampled_out=2 dropped=8 queue_full=7";
        let error = SpanCounts::from_words(text).unwrap_err().to_string();
        assert!(error.contains("sum of its reasons"), "{error}");
    }
}
