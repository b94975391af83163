//! `release`: this version's images for all architectures, and its chart, to a registry.

mod binary;
mod chart;
mod images;
mod version;

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use ::tests::workspace;
use anyhow::{Context, Result};
use clap::Args;

use crate::image;
use crate::interrupt::Interrupts;
use crate::program;

/// Beside cargo's own target/release.
const DIRECTORY: &str = "target/publish";

/// Publish this version: images for all architectures, and the chart
///
/// Takes the binaries that `cargo xtask image --auditable` has put below
/// target/image/release, on a machine of each architecture, and makes of them one
/// image a program, with an SBOM and its provenance: REPOSITORY/NAME:VERSION. The
/// chart names these images by digest, and becomes REPOSITORY/charts/onetrace.
/// target/publish then has the chart and digests.txt, by which both can be signed.
/// Needs buildx with a builder that pushes such images (`docker buildx create --use`)
/// and helm, both logged in to the registry.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The release's tag: v and the version, which must be that of the workspace and the chart
    tag: String,

    /// Where to push it, such as ghcr.io/acme/onetrace; without this, only the tag is checked
    #[arg(long, value_name = "REPOSITORY")]
    push: Option<String>,

    #[command(flatten)]
    options: Options,
}

/// How it is pushed.
#[derive(Args)]
struct Options {
    /// The architectures of the images
    #[arg(long, value_delimiter = ',', default_value = "amd64,arm64")]
    architectures: Vec<String>,

    /// URL of the source, for the images' labels
    #[arg(long, value_name = "URL", default_value = "")]
    source: String,

    /// The image by which buildx makes SBOMs; none for no SBOM
    #[arg(
        long,
        value_name = "IMAGE",
        default_value = "docker/buildkit-syft-scanner:stable-1"
    )]
    sbom: String,

    /// helm reaches the registry without TLS, as one on this machine
    #[arg(long)]
    plain_http: bool,
}

/// What was pushed, without its tag, and the digest that it got.
struct Pushed {
    repository: String,
    digest: String,
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
    binary::prepare(&names, &options.architectures)?;
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
    let mut pushed: Vec<_> = images
        .into_iter()
        .map(|(name, digest)| Pushed {
            repository: format!("{repository}/{name}"),
            digest,
        })
        .collect();
    pushed.push(chart);
    let path = directory.join("digests.txt");
    fs::write(&path, checksums(&pushed)).with_context(|| path.display().to_string())?;
    for Pushed { repository, digest } in &pushed {
        println!("{repository}@{digest}");
    }
    Ok(())
}

fn directory() -> PathBuf {
    workspace().join(DIRECTORY)
}

/// As sha256sum has it, which is what attestations are made from.
fn checksums(pushed: &[Pushed]) -> String {
    let mut text = String::new();
    for Pushed { repository, digest } in pushed {
        let hash = digest.strip_prefix("sha256:").unwrap_or(digest);
        writeln!(text, "{hash}  {repository}").expect("a String takes everything");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_pushed_is_listed_as_by_sha256sum() {
        let pushed = |repository: &str, digest: &str| Pushed {
            repository: repository.to_owned(),
            digest: digest.to_owned(),
        };
        let pushed = [pushed("r/hello", "sha256:0a"), pushed("r/c", "sha256:1b")];
        assert_eq!(checksums(&pushed), "0a  r/hello\n1b  r/c\n");
    }
}
