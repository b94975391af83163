//! The version must be the same in the tag, the workspace and the chart.

use std::fs;

use ::tests::workspace;
use anyhow::{Context, Result, bail};
use serde::Deserialize;

const CHART: &str = "charts/onetrace/Chart.yaml";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Chart {
    version: String,
    app_version: String,
}

/// Checks that the tag is `v` followed by the version.
///
/// # Errors
/// If the tag differs from a version (the error lists each), or the chart cannot be read.
pub(super) fn check(tag: &str) -> Result<()> {
    let text = fs::read_to_string(workspace().join(CHART)).context(CHART)?;
    let chart: Chart = serde_norway::from_str(&text).context(CHART)?;
    let versions = [
        ("the workspace's version", env!("CARGO_PKG_VERSION")),
        ("the chart's version", chart.version.as_str()),
        ("the chart's appVersion", chart.app_version.as_str()),
    ];
    let differ: Vec<_> = versions
        .iter()
        .filter(|(_, version)| tag.strip_prefix('v') != Some(version))
        .map(|(name, version)| format!("{name} is {version}"))
        .collect();
    if differ.is_empty() {
        return Ok(());
    }
    bail!("the tag is {tag}, but {}", differ.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_tag_of_this_version_is_accepted() {
        let version = env!("CARGO_PKG_VERSION");
        check(&format!("v{version}")).unwrap();
        for tag in [version, &format!("v{version}-rc.1"), "v", ""] {
            let error = check(tag).unwrap_err().to_string();
            for name in ["workspace's version", "chart's version", "appVersion"] {
                assert!(error.contains(name), "{tag:?}: {error}");
            }
        }
    }
}
