//! Files that are generated from the chart and committed, so that readers find them.

use std::fs;

use ::tests::workspace;
use anyhow::{Context, Result};

use super::helm::render;
use super::values_table;
use crate::console;

const COMMAND: &str = "cargo xtask chart";
const MANIFEST: &str = "charts/onetrace/rendered/default.yaml";
const VALUES: &str = "charts/onetrace/values.yaml";
const README: &str = "charts/onetrace/README.md";

/// Writes all generated files; with `check`, returns those that are out of date instead.
pub(super) async fn all(check: bool) -> Result<Vec<String>> {
    let manifest = without_blank_lines(&render("").await?);
    let readme = values_table::insert(&read(README)?, &read(VALUES)?)?;
    let mut outdated = Vec::new();
    for (path, expected) in [(MANIFEST, manifest), (README, readme)] {
        if read(path)? == expected {
            continue;
        }
        if check {
            outdated.push(format!(
                "{path} is out of date: run `{COMMAND}` and commit the file"
            ));
        } else {
            fs::write(workspace().join(path), expected).context(path)?;
            console::progress(format!("wrote {path}"));
        }
    }
    Ok(outdated)
}

/// Helm 4 prints blank lines between objects, and Helm 3 does not.
fn without_blank_lines(manifest: &str) -> String {
    let lines = manifest.lines().map(str::trim_end);
    let lines = lines.filter(|line| !line.is_empty());
    lines.flat_map(|line| [line, "\n"]).collect()
}

fn read(path: &'static str) -> Result<String> {
    fs::read_to_string(workspace().join(path)).context(path)
}
