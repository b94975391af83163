//! What a release's Collectors say became of the spans that they took.

use std::fmt;
use std::ops::AddAssign;
use std::time::Duration;

use anyhow::Result;

use super::Release;
use crate::accounting::Sample;
use crate::wait;

/// How long a queue may take to empty after an outage, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// The figures of all Collectors together, from their own metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collectors {
    /// Spans that were taken: the sender counts them as exported.
    pub accepted: u64,
    /// Spans that were not. The sender keeps them and sends them again, so that one
    /// span may be refused many times, and none is lost by it.
    pub refused: u64,
    /// Spans that Jaeger has taken.
    pub sent: u64,
    /// Spans that were given up: they are lost.
    pub send_failed: u64,
}

impl Collectors {
    /// The figures now.
    ///
    /// # Errors
    /// When one does not say.
    pub async fn of(release: &Release) -> Result<Self> {
        let mut sum = Self::default();
        for text in release.metrics("collector").await? {
            sum += Self::parse(&text);
        }
        Ok(sum)
    }

    /// The figures once no span waits in a queue: each that was taken is in Jaeger, or
    /// counted as lost. The Collectors must be those that there were from the beginning.
    ///
    /// # Errors
    /// When that takes too long.
    pub async fn settled(release: &Release) -> Result<Self> {
        let what = "the Collectors to account for every span";
        wait::until(what, PATIENCE, async || {
            let figures = Self::of(release).await;
            let figures = figures.map_err(|error| format!("{error:#}"))?;
            if figures.accepted == figures.sent + figures.send_failed {
                Ok(figures)
            } else {
                Err(figures.to_string())
            }
        })
        .await
    }

    /// Counters that have not counted anything are not in the text.
    fn parse(text: &str) -> Self {
        let samples: Vec<_> = text.lines().filter_map(Sample::parse).collect();
        let sum = |name: &str| {
            let found = samples.iter().filter(|sample| sample.name == name);
            found.map(|sample| sample.value).sum()
        };
        Self {
            accepted: sum("otelcol_receiver_accepted_spans"),
            refused: sum("otelcol_receiver_refused_spans"),
            sent: sum("otelcol_exporter_sent_spans"),
            send_failed: sum("otelcol_exporter_send_failed_spans"),
        }
    }
}

impl AddAssign for Collectors {
    fn add_assign(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.sent += other.sent;
        self.send_failed += other.send_failed;
    }
}

impl fmt::Display for Collectors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "accepted={} refused={} sent={} send_failed={}",
            self.accepted, self.refused, self.sent, self.send_failed
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_summed_over_transports_and_servers() {
        let text = r#"# TYPE otelcol_receiver_accepted_spans counter
otelcol_receiver_accepted_spans{receiver="otlp",transport="http"} 70
otelcol_receiver_accepted_spans{receiver="otlp",transport="grpc"} 30
otelcol_receiver_refused_spans{receiver="otlp",transport="http"} 5
otelcol_exporter_sent_spans{exporter="otlp_grpc/jaeger"} 100
"#;
        let figures = Collectors::parse(text);
        let expected = "accepted=100 refused=5 sent=100 send_failed=0";
        assert_eq!(figures.to_string(), expected);
    }
}
