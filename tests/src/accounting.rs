//! What a service says on its admin port became of its spans.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result, bail};

/// A service's figures, read from `/metrics`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spans {
    /// Spans that the sampler kept.
    pub sampled: u64,
    /// Spans that the sampler left out.
    pub sampled_out: u64,
    /// Sampled spans that have not ended.
    pub open: u64,
    /// Spans that wait in the queue or are being sent.
    pub queued: u64,
    /// Spans that the queue can hold.
    pub queue_capacity: u64,
    /// Spans that the Collector has accepted.
    pub exported: u64,
    /// Spans that did not arrive, by reason; reasons without any are left out.
    pub dropped: BTreeMap<String, u64>,
}

impl Spans {
    /// Asks the service whose admin port is at `admin_url`.
    ///
    /// # Errors
    /// When it does not answer with the figures.
    pub async fn of(admin_url: &str) -> Result<Self> {
        let text = metrics(admin_url).await;
        Self::parse(&text.context("the accounting")?)
    }

    /// Reads the figures from Prometheus' text format.
    ///
    /// # Errors
    /// When one is missing.
    pub fn parse(text: &str) -> Result<Self> {
        let samples: Vec<Sample<'_>> = text.lines().filter_map(Sample::parse).collect();
        let one = |name: &str, label: &str| {
            let mut found = samples.iter().filter(|it| it.name == name && it.has(label));
            match (found.next(), found.next()) {
                (Some(sample), None) => Ok(sample.value),
                (None, _) => bail!("there is no {name}{{{label}}} in\n{text}"),
                (Some(_), Some(_)) => bail!("there is more than one {name}{{{label}}} in\n{text}"),
            }
        };
        let by_reason = |name: &str| {
            let all = samples.iter().filter(|it| it.name == name && it.value > 0);
            let all: Vec<_> = all
                .filter_map(|it| Some((it.label("error_type")?.to_owned(), it.value)))
                .collect();
            all.into_iter().filter(|(reason, _)| !reason.is_empty())
        };
        let exporter = "otel_sdk_exporter_span_exported_total";
        let mut dropped: BTreeMap<_, _> =
            by_reason("otel_sdk_processor_span_processed_total").collect();
        dropped.extend(by_reason(exporter));
        let started = "otel_sdk_span_started_total";
        Ok(Self {
            sampled: one(started, "otel_span_sampling_result=\"RECORD_AND_SAMPLE\"")?,
            sampled_out: one(started, "otel_span_sampling_result=\"DROP\"")?,
            open: one("otel_sdk_span_live", "")?,
            queued: one("otel_sdk_processor_span_queue_size", "")?,
            queue_capacity: one("otel_sdk_processor_span_queue_capacity", "")?,
            exported: one(exporter, "error_type=\"\"")?,
            dropped,
        })
    }

    /// All spans that were made.
    pub fn created(&self) -> u64 {
        self.sampled + self.sampled_out
    }

    /// All that did not arrive.
    pub fn lost(&self) -> u64 {
        self.dropped.values().sum()
    }

    /// All of which it is not known yet what becomes of them.
    pub fn on_the_way(&self) -> u64 {
        self.open + self.queued
    }

    /// Whether every span is accounted for.
    pub fn is_exact(&self) -> bool {
        self.created() == self.sampled_out + self.exported + self.lost() + self.on_the_way()
    }
}

impl fmt::Display for Spans {
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

/// What is at `/metrics`, in Prometheus' text format.
pub(crate) async fn metrics(base: &str) -> Result<String> {
    let url = format!("{base}/metrics");
    let read = async { reqwest::get(&url).await?.error_for_status()?.text().await };
    read.await.with_context(|| format!("nothing at {url}"))
}

/// A sample in Prometheus' text format.
pub(crate) struct Sample<'a> {
    pub(crate) name: &'a str,
    labels: &'a str,
    pub(crate) value: u64,
}

impl<'a> Sample<'a> {
    /// A line of whole numbers; comments and others give none.
    pub(crate) fn parse(line: &'a str) -> Option<Self> {
        let (series, value) = line.rsplit_once(' ')?;
        let (name, labels) = match series.split_once('{') {
            Some((name, labels)) => (name, labels.strip_suffix('}')?),
            None => (series, ""),
        };
        Some(Self {
            name,
            labels,
            value: value.parse().ok()?,
        })
    }

    /// Whether it has this `name="value"`; the empty one has every sample.
    fn has(&self, label: &str) -> bool {
        label.is_empty() || self.labels.split(',').any(|it| it == label)
    }

    fn label(&self, name: &str) -> Option<&'a str> {
        self.labels.split(',').find_map(|label| {
            label
                .strip_prefix(name)?
                .strip_prefix("=\"")?
                .strip_suffix('"')
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"# HELP otel_sdk_span_started_total Spans started, by what the sampler said.
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
    fn every_figure_is_read() {
        let spans = Spans::parse(TEXT).unwrap();
        assert_eq!(spans.created(), 100);
        assert_eq!(spans.exported, 78);
        assert_eq!(spans.queue_capacity, 16);
        assert_eq!(spans.on_the_way(), 5);
        let reasons: Vec<_> = spans
            .dropped
            .iter()
            .map(|(k, v)| (k.as_str(), *v))
            .collect();
        assert_eq!(reasons, [("queue_full", 10), ("rejected", 6)]);
        assert!(spans.is_exact(), "100 = 1 + 78 + 16 + 5: {spans}");
    }

    #[test]
    fn a_span_that_is_missing_is_noticed() {
        let text = TEXT.replace("\"\"} 78", "\"\"} 77");
        assert!(!Spans::parse(&text).unwrap().is_exact());
    }

    #[test]
    fn a_figure_that_is_missing_is_named() {
        let text = TEXT.replace("otel_sdk_span_live{", "otel_sdk_span_alive{");
        let error = Spans::parse(&text).unwrap_err().to_string();
        assert!(error.contains("otel_sdk_span_live"), "{error}");
    }
}
