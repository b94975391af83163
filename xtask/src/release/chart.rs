//! Packages and pushes the chart of a release. It refers to its images by digest, so that
//! a verified chart implies verified images.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context, Result, ensure};

use super::options::directory;
use crate::console;
use crate::program::{self, command};

const CHART: &str = "charts/onetrace";
/// The lines of the chart's values that a release replaces.
const REPOSITORY: &str = "\n  repository: onetrace\n";
const DIGESTS: &str = "\n  digests: {}\n";

/// Packages the chart with these images, and pushes it to `REPOSITORY/charts/onetrace`.
/// Returns its digest.
pub(super) async fn push(
    repository: &str,
    images: &[(&str, String)],
    plain_http: bool,
) -> Result<String> {
    let directory = directory();
    let mut copy = command("cp", ["-R", CHART]);
    copy.arg(&directory);
    program::run(copy).await?;
    let chart = directory.join("onetrace");
    let values = chart.join("values.yaml");
    let text = fs::read_to_string(&values).with_context(|| values.display().to_string())?;
    fs::write(&values, released(&text, repository, images)?)
        .with_context(|| values.display().to_string())?;
    let mut package = command("helm", ["package", "--destination"]);
    package.arg(&directory).arg(&chart);
    program::output(package).await?;
    fs::remove_dir_all(&chart).with_context(|| chart.display().to_string())?;

    let charts = format!("{repository}/charts");
    console::progress(format!("pushing the chart to {charts}"));
    let package = directory.join(format!("onetrace-{}.tgz", env!("CARGO_PKG_VERSION")));
    let mut push = command("helm", ["push"]);
    push.arg(package).arg(format!("oci://{charts}"));
    if plain_http {
        push.arg("--plain-http");
    }
    let output = push.output().await.context("helm push")?;
    // Helm 3 prints the digest on standard error.
    let output_text = [output.stdout, output.stderr].concat();
    let output_text = String::from_utf8_lossy(&output_text);
    ensure!(output.status.success(), "helm push failed: {output_text}");
    digest(&output_text).with_context(|| format!("helm push printed no digest: {output_text}"))
}

/// The chart's values with the images of a release.
fn released(values: &str, repository: &str, images: &[(&str, String)]) -> Result<String> {
    let mut digests = "\n  digests:\n".to_owned();
    for (name, digest) in images {
        writeln!(digests, "    {name}: {digest}").expect("writing to a String cannot fail");
    }
    let repository = format!("\n  repository: {repository}\n");
    let mut values = values.to_owned();
    for (line, released) in [(REPOSITORY, repository), (DIGESTS, digests)] {
        let times = values.matches(line).count();
        ensure!(
            times == 1,
            "the chart's values contain {line:?} {times} times, expected once"
        );
        values = values.replace(line, &released);
    }
    Ok(values)
}

fn digest(output: &str) -> Option<String> {
    let line = output
        .lines()
        .find_map(|line| line.strip_prefix("Digest:"))?;
    Some(line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use ::tests::workspace;

    use super::*;

    #[test]
    fn a_released_chart_refers_to_its_images_by_digest() {
        let values = fs::read_to_string(workspace().join(CHART).join("values.yaml")).unwrap();
        let images = [("gateway", "sha256:0a".to_owned())];
        let released = released(&values, "ghcr.io/acme/onetrace", &images).unwrap();
        let parsed: serde_norway::Value = serde_norway::from_str(&released).unwrap();
        let image = &parsed["image"];
        assert_eq!(image["repository"], "ghcr.io/acme/onetrace");
        assert_eq!(image["digests"]["gateway"], "sha256:0a");
        let added = released.lines().count() - values.lines().count();
        assert_eq!(added, images.len(), "nothing else is changed");
    }

    #[test]
    fn values_without_the_lines_cannot_be_released() {
        let error = released("image: {}\n", "r", &[]).unwrap_err().to_string();
        assert!(
            error.contains("repository") && error.contains('0'),
            "{error}"
        );
    }

    #[test]
    fn the_digest_is_read_from_the_output_of_helm() {
        let output = "Pushed: 127.0.0.1:5000/charts/onetrace:0.1.0\nDigest: sha256:0a";
        assert_eq!(digest(output).as_deref(), Some("sha256:0a"));
        assert_eq!(digest("Pushed"), None);
    }
}
