//! `release`: pushes this version's images, for all architectures, and its chart to a
//! registry.

mod binaries;
mod chart;
mod images;
mod options;
mod version;

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context, Result};
use clap::Args;

use crate::image;
use crate::interrupt::Interrupts;
use crate::program;
use options::{Options, directory};

/// Push this version's images, for all architectures, and its chart
///
/// First run `cargo xtask image --auditable` on a machine of each architecture and copy
/// the binaries to target/image/release. Each program becomes one image,
/// REPOSITORY/NAME:VERSION, with an SBOM and provenance. The chart refers to these images
/// by digest and is pushed to REPOSITORY/charts/onetrace. target/publish then contains
/// the chart and digests.txt, the input for signatures. Requires helm, and buildx with a
/// builder for all architectures (`docker buildx create --use`), both logged in to the
/// registry.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The tag of the release: v and the version of the workspace and the chart
    tag: String,

    /// Where to push, such as ghcr.io/acme/onetrace; by default only the tag is checked
    #[arg(long, value_name = "REPOSITORY")]
    push: Option<String>,

    #[command(flatten)]
    options: Options,
}

pub(crate) async fn run(arguments: Arguments, mut interrupts: Interrupts) -> Result<bool> {
    version::check(&arguments.tag)?;
    let Some(repository) = &arguments.push else {
        return Ok(true);
    };
    program::require(&["docker", "helm"])?;
    let repository = repository.trim_end_matches('/');
    interrupts.or(push(repository, &arguments.options)).await?;
    Ok(true)
}

async fn push(repository: &str, options: &Options) -> Result<()> {
    let names = image::names()?;
    binaries::prepare(&names, &options.architectures)?;
    let directory = directory();
    if directory.exists() {
        fs::remove_dir_all(&directory).with_context(|| directory.display().to_string())?;
    }
    fs::create_dir_all(&directory).with_context(|| directory.display().to_string())?;
    let mut images = Vec::new();
    for name in &names {
        let digest = images::push(name, repository, options).await?;
        images.push((name.as_str(), digest));
    }
    let chart = chart::push(repository, &images, options.plain_http).await?;
    images.push(("charts/onetrace", chart));
    let pushed: Vec<_> = images
        .into_iter()
        .map(|(name, digest)| (format!("{repository}/{name}"), digest))
        .collect();
    let path = directory.join("digests.txt");
    fs::write(&path, checksums(&pushed)).with_context(|| path.display().to_string())?;
    for (repository, digest) in &pushed {
        println!("{repository}@{digest}");
    }
    Ok(())
}

/// The format of sha256sum, which GitHub's attestations are made from.
fn checksums(pushed: &[(String, String)]) -> String {
    let mut text = String::new();
    for (repository, digest) in pushed {
        let hash = digest.strip_prefix("sha256:").unwrap_or(digest);
        writeln!(text, "{hash}  {repository}").expect("writing to a String cannot fail");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_listed_in_the_format_of_sha256sum() {
        let pushed = [("r/hello", "sha256:0a"), ("r/c", "sha256:1b")];
        let pushed = pushed.map(|(repository, digest)| (repository.to_owned(), digest.to_owned()));
        assert_eq!(checksums(&pushed), "0a  r/hello\n1b  r/c\n");
    }
}
