//! One image for all architectures, by buildx.

use std::fs;

use anyhow::{Context, Result};
use serde_norway::Value;

use super::{Options, directory};
use crate::console;
use crate::image::{CONTEXT, DOCKERFILE, build_arguments};
use crate::program::{self, command};

/// Makes the image of a program from the binaries that are there, and pushes it.
/// Returns the digest of what names the architectures' own images.
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
    digest(&text).with_context(|| format!("buildx said no digest of {reference}: {text}"))
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
    fn the_digest_is_read_from_what_buildx_says() {
        let metadata = r#"{"buildx.build.ref": "a/b/c", "containerimage.digest": "sha256:0a"}"#;
        assert_eq!(digest(metadata).as_deref(), Some("sha256:0a"));
        assert_eq!(digest("{}"), None);
    }
}
