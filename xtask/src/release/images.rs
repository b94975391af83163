//! Builds and pushes one image for all architectures, with buildx.

use std::fs;

use anyhow::{Context, Result};
use serde_norway::Value;

use super::options::{Options, directory};
use crate::console;
use crate::image::{CONTEXT, DOCKERFILE, build_arguments};
use crate::program::{self, command};

/// Builds the image of a program from the binaries in the build context, and pushes it.
/// Returns the digest of the image index, which refers to the image per architecture.
pub(super) async fn push(name: &str, repository: &str, options: &Options) -> Result<String> {
    let reference = format!("{repository}/{name}:{}", env!("CARGO_PKG_VERSION"));
    console::progress(format!("pushing {reference}"));
    let metadata = directory().join(format!("{name}.json"));
    let platforms = options.architectures.iter().map(|it| format!("linux/{it}"));
    let platforms: Vec<_> = platforms.collect();
    let mut buildx = command("docker", ["buildx", "build", "--push"]);
    buildx
        .args(["--file", DOCKERFILE, "--tag", &reference])
        .args(["--platform", &platforms.join(",")])
        .args(["--build-arg", &format!("SOURCE={}", options.source)])
        .args(build_arguments(name).await)
        .args(["--attest", "type=provenance,mode=max"])
        .arg("--metadata-file")
        .arg(&metadata);
    if options.sbom != "none" {
        buildx.args(["--attest", &format!("type=sbom,generator={}", options.sbom)]);
    }
    buildx.arg(CONTEXT);
    program::run(buildx).await?;
    let text = fs::read_to_string(&metadata).with_context(|| metadata.display().to_string())?;
    fs::remove_file(&metadata).with_context(|| metadata.display().to_string())?;
    digest(&text).with_context(|| format!("no digest of {reference} in buildx's metadata: {text}"))
}

fn digest(metadata: &str) -> Option<String> {
    let metadata: Value = serde_norway::from_str(metadata).ok()?;
    let digest = metadata.get("containerimage.digest")?.as_str()?;
    Some(digest.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_read_from_buildx_metadata() {
        let metadata = r#"{"buildx.build.ref": "a/b/c", "containerimage.digest": "sha256:0a"}"#;
        assert_eq!(digest(metadata).as_deref(), Some("sha256:0a"));
        assert_eq!(digest("{}"), None);
    }
}
