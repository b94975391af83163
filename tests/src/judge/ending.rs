//! The end of the services, and the figures in their last log line.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::accounting::Spans;
use crate::local::{Service, System};

/// More than the services' own bound.
const BOUND: Duration = Duration::from_secs(30);

/// Ends both services with SIGTERM at once, and gives the last words of the
/// gateway and of hello.
///
/// # Errors
/// When one had ended already, does not end well, or leaves no figures.
pub async fn end(system: &mut System) -> Result<[Spans; 2]> {
    system.gateway.ask_to_end().await?;
    let hello = system.hello.terminate().await;
    let gateway = system.gateway.process().wait(BOUND).await;
    for (name, status) in [("gateway", gateway?), ("hello", hello?)] {
        ensure!(
            status.success(),
            "SIGTERM must end {name} with status 0, not with {status}\n{}",
            system.report()
        );
    }
    Ok([last_words(&system.gateway)?, last_words(&system.hello)?])
}

/// The figures of the last log line of a service that has ended.
///
/// # Errors
/// When its last line is another one, or figures are missing.
pub fn last_words(service: &Service) -> Result<Spans> {
    let report = || format!("the service wrote\n{}", service.output().report());
    let last = service.log().pop().with_context(report)?;
    figures(&last).with_context(report)
}

/// The figures of a log line that must be a service's last one.
///
/// # Errors
/// When it is another one, or figures are missing.
pub fn figures(last: &Value) -> Result<Spans> {
    let message = last["message"].as_str().unwrap_or_default();
    ensure!(
        message.starts_with("telemetry ended"),
        "the last line must have the spans' figures, not {last}"
    );
    let figures = last["spans"].as_str().unwrap_or_default();
    let spans = parse(figures).with_context(|| format!("the figures of {last}"))?;
    let says_lost = message.contains("spans were dropped");
    ensure!(
        says_lost == (spans.lost() > 0),
        "the last line must say in words whether spans were dropped: {last}"
    );
    Ok(spans)
}

/// Reads `created=8 exported=8 sampled_out=0 dropped=0`.
fn parse(text: &str) -> Result<Spans> {
    let mut figures = BTreeMap::new();
    for word in text.split_whitespace() {
        let (name, value) = word.split_once('=').context("a word without =")?;
        figures.insert(name, value.parse::<u64>()?);
    }
    let mut take = |name: &str| figures.remove(name);
    let created = take("created").context("created is missing")?;
    let sampled_out = take("sampled_out").context("sampled_out is missing")?;
    let exported = take("exported").context("exported is missing")?;
    let dropped = take("dropped").context("dropped is missing")?;
    let (open, queued) = (take("open").unwrap_or(0), take("queued").unwrap_or(0));
    let reasons = figures
        .into_iter()
        .map(|(name, spans)| (name.into(), spans));
    let spans = Spans {
        sampled: created
            .checked_sub(sampled_out)
            .context("created < sampled_out")?,
        sampled_out,
        open,
        queued,
        queue_capacity: 0,
        exported,
        dropped: reasons.collect(),
    };
    ensure!(
        spans.lost() == dropped,
        "dropped={dropped} is not the sum of its reasons in {text}"
    );
    Ok(spans)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_are_read_with_their_reasons() {
        let text = "created=100 exported=90 sampled_out=2 dropped=8 queue_full=7 unended=1";
        let spans = parse(text).unwrap();
        assert!(spans.is_exact(), "100 = 90 + 2 + 8: {spans}");
        assert_eq!(spans.dropped["queue_full"], 7);
    }

    #[test]
    fn a_drop_without_a_reason_is_noticed() {
        let text = "created=100 exported=90 sampled_out=2 dropped=8 queue_full=7";
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains("sum of its reasons"), "{error}");
    }
}
