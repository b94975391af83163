//! The span counters of a release's Collectors.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::release::Release;
use crate::prometheus;
use crate::wait;

/// How long a queue may take to empty after an outage, on a busy machine.
const TIMEOUT: Duration = Duration::from_mins(2);

/// Sums of all Collectors' own metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CollectorCounts {
    /// Spans that were accepted. The sender counts them as exported.
    pub accepted: u64,
    /// Spans that were refused. The sender keeps them and sends them again, so one span
    /// may be refused several times.
    pub refused: u64,
    /// Spans that Jaeger has accepted.
    pub sent: u64,
    /// Spans that were dropped after all retries: they are lost.
    pub send_failed: u64,
}

impl CollectorCounts {
    /// Reads the current counts.
    ///
    /// # Errors
    /// If a Collector does not respond.
    pub async fn read(release: &Release) -> Result<Self> {
        Ok(Self::parse(&release.metrics("collector").await?))
    }

    /// Waits until `condition` is true, and returns the counts.
    ///
    /// # Errors
    /// If that takes longer than two minutes; with the last counts.
    pub async fn wait_for(
        release: &Release,
        what: &str,
        condition: impl Fn(&Self) -> bool,
    ) -> Result<Self> {
        wait::until(what, TIMEOUT, async || {
            let counts = Self::read(release).await?;
            ensure!(condition(&counts), "{counts:?}");
            Ok(counts)
        })
        .await
    }

    /// Waits until the queues are empty: every accepted span was sent or has failed. No
    /// Collector may have been replaced since the release was installed.
    ///
    /// # Errors
    /// If that takes longer than two minutes; with the last counts.
    pub async fn wait_until_complete(release: &Release) -> Result<Self> {
        let what = "the Collectors to have sent or dropped every accepted span";
        Self::wait_for(release, what, |counts| {
            counts.accepted == counts.sent + counts.send_failed
        })
        .await
    }

    /// A counter that is still zero is not in the text.
    fn parse(texts: &[String]) -> Self {
        let samples = texts.iter().flat_map(|text| prometheus::samples(text));
        let samples: Vec<_> = samples.collect();
        let sum = |name: &str| {
            let samples = samples.iter().filter(|sample| sample.name == name);
            samples.map(|sample| sample.value).sum()
        };
        Self {
            accepted: sum("otelcol_receiver_accepted_spans"),
            refused: sum("otelcol_receiver_refused_spans"),
            sent: sum("otelcol_exporter_sent_spans"),
            send_failed: sum("otelcol_exporter_send_failed_spans"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_summed_over_transports_and_collectors() {
        let first = r#"# TYPE otelcol_receiver_accepted_spans counter
otelcol_receiver_accepted_spans{receiver="otlp",transport="http"} 70
otelcol_receiver_accepted_spans{receiver="otlp",transport="grpc"} 30
otelcol_exporter_sent_spans{exporter="otlp_grpc/jaeger"} 100
"#;
        let second = r#"otelcol_receiver_accepted_spans{receiver="otlp",transport="http"} 1
otelcol_receiver_refused_spans{receiver="otlp",transport="http"} 5
"#;
        let expected = CollectorCounts {
            accepted: 101,
            refused: 5,
            sent: 100,
            send_failed: 0,
        };
        let texts = [first.to_owned(), second.to_owned()];
        assert_eq!(CollectorCounts::parse(&texts), expected);
    }
}
