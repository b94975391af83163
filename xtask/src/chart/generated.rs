//! Files that are made from the chart and are in the repository, for people to read.

use std::fs;

use ::tests::workspace;
use anyhow::{Context, Result};

use super::{render, values_table};
use crate::console;

const MENDING: &str = "cargo xtask chart";
const MANIFEST: &str = "charts/onetrace/rendered/default.yaml";
const VALUES: &str = "charts/onetrace/values.yaml";
const README: &str = "charts/onetrace/README.md";

/// Writes them all, or, to `check`, says which are not as they would be written.
pub(super) async fn all(check: bool) -> Result<Vec<String>> {
    let manifest = without_blank_lines(&render(None).await?);
    let readme = values_table::put(&read(README)?, &read(VALUES)?)?;
    let mut drifted = Vec::new();
    for (path, wanted) in [(MANIFEST, manifest), (README, readme)] {
        if read(path)? == wanted {
            continue;
        }
        if check {
            drifted.push(format!(
                "{path} is not what the chart makes of it: run `{MENDING}` and commit it"
            ));
        } else {
            fs::write(workspace().join(path), wanted).context(path)?;
            console::progress(format!("wrote {path}"));
        }
    }
    Ok(drifted)
}

/// Helm 4 puts them between objects, and Helm 3 does not.
fn without_blank_lines(manifest: &str) -> String {
    let lines = manifest.lines().map(str::trim_end);
    let lines = lines.filter(|line| !line.is_empty());
    lines.flat_map(|line| [line, "\n"]).collect()
}

fn read(path: &'static str) -> Result<String> {
    fs::read_to_string(workspace().join(path)).context(path)
}
