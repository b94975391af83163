//! Reads Prometheus' text format, as far as our metrics use it.

use anyhow::{Context, Result, bail};

use crate::client;

/// Reads the text at `{base}/metrics`.
///
/// # Errors
/// If the request fails or the status is not a success.
pub async fn fetch(base: &str) -> Result<String> {
    let url = format!("{base}/metrics");
    let read = async {
        client()
            .get(&url)
            .send()
            .await?
            .error_for_status()?
            .text()
            .await
    };
    read.await.with_context(|| format!("cannot read {url}"))
}

/// One sample: a series and its value, which is a whole number.
pub struct Sample<'a> {
    /// Its name.
    pub name: &'a str,
    labels: &'a str,
    /// Its value.
    pub value: u64,
}

/// All samples of `text` whose values are whole numbers.
pub fn samples(text: &str) -> Vec<Sample<'_>> {
    text.lines().filter_map(Sample::parse).collect()
}

/// The value of the only sample of this name, if `label` is empty, or of the only one
/// that has this `name="value"`.
///
/// # Errors
/// If there is no such sample, or more than one.
pub fn value(samples: &[Sample<'_>], name: &str, label: &str) -> Result<u64> {
    let mut found = samples
        .iter()
        .filter(|it| it.name == name && (label.is_empty() || it.labels().any(|it| it == label)));
    match (found.next(), found.next()) {
        (Some(sample), None) => Ok(sample.value),
        (None, _) => bail!("the metrics have no {name}{{{label}}}"),
        (Some(_), Some(_)) => bail!("the metrics have more than one {name}{{{label}}}"),
    }
}

impl<'a> Sample<'a> {
    fn parse(line: &'a str) -> Option<Self> {
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

    fn labels(&self) -> impl Iterator<Item = &'a str> {
        self.labels.split(',')
    }

    /// The value of a label.
    pub fn label(&self, name: &str) -> Option<&'a str> {
        self.labels().find_map(|label| {
            label
                .strip_prefix(name)?
                .strip_prefix("=\"")?
                .strip_suffix('"')
        })
    }
}
