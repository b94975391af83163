//! Builds one image: its context, its tag, and `docker build`.

use std::fs;
use std::path::Path;

use ::tests::workspace;
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::console;
use crate::program::{self, command};

/// The build context. Tilt has its own, for development builds.
pub(crate) const CONTEXT: &str = "target/image/release";
pub(crate) const DOCKERFILE: &str = "Dockerfile";

/// An image in the Docker engine.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    /// The name of its program.
    pub(crate) name: String,
    /// The tag, which is made from the version and the content.
    pub(crate) tag: String,
    /// The uncompressed size in bytes.
    pub(crate) size: u64,
}

impl Image {
    /// `REPOSITORY:TAG`.
    pub(crate) fn reference(&self) -> String {
        format!("onetrace/{}:{}", self.name, self.tag)
    }

    /// Adds a tag; returns the new reference.
    pub(super) async fn add_tag(&self, tag: &str) -> Result<String> {
        let other = format!("onetrace/{}:{tag}", self.name);
        program::run(command("docker", ["tag", &self.reference(), &other])).await?;
        Ok(other)
    }
}

/// Builds the image of a program, unless an image with the same content exists.
pub(super) async fn image(name: &str, binary: &Path, architecture: &str) -> Result<Image> {
    let content = fs::read(binary).with_context(|| binary.display().to_string())?;
    let dockerfile = fs::read(workspace().join(DOCKERFILE)).context(DOCKERFILE)?;
    let mut image = Image {
        name: name.to_owned(),
        tag: tag(&content, &dockerfile),
        size: 0,
    };
    // Also if the image exists, because `release` uses the binary of the last build.
    copy_to_context(name, &content, architecture)?;
    let reference = image.reference();
    if !program::succeeds(command("docker", ["image", "inspect", &reference])).await {
        console::progress(format!("building the image {reference}"));
        build(&image, architecture).await?;
    }
    let size = command(
        "docker",
        ["image", "inspect", "--format", "{{.Size}}", &reference],
    );
    let size = program::output(size).await?;
    image.size = size.parse().with_context(|| format!("the size {size:?}"))?;
    Ok(image)
}

/// The version, and the start of a hash of the binary and the Dockerfile.
fn tag(binary: &[u8], dockerfile: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(dockerfile);
    hash.update(binary);
    let digest = hash.finalize();
    let start =
        u64::from_be_bytes(digest[..8].try_into().expect("a SHA-256 hash has 32 bytes")) >> 16;
    format!("{}-{start:012x}", env!("CARGO_PKG_VERSION"))
}

/// Copies the binary to the path that the Dockerfile copies from.
fn copy_to_context(name: &str, binary: &[u8], architecture: &str) -> Result<()> {
    let directory = workspace().join(CONTEXT).join(architecture);
    fs::create_dir_all(&directory).with_context(|| directory.display().to_string())?;
    let path = directory.join(name);
    fs::write(&path, binary).with_context(|| path.display().to_string())?;
    make_executable(&path)
}

pub(crate) fn make_executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let permissions = fs::Permissions::from_mode(0o755);
    fs::set_permissions(path, permissions).with_context(|| path.display().to_string())
}

async fn build(image: &Image, architecture: &str) -> Result<()> {
    let mut docker = command("docker", ["build", "--quiet", "--file", DOCKERFILE]);
    docker.args(["--tag", &image.reference()]);
    // Only Buildx sets it by itself.
    docker.args(["--build-arg", &format!("TARGETARCH={architecture}")]);
    docker.args(build_arguments(&image.name).await);
    docker.arg(CONTEXT);
    // Hides the image id that it prints; the tag is printed later.
    program::output(docker).await.map(drop)
}

/// The build arguments of the Dockerfile.
pub(crate) async fn build_arguments(name: &str) -> Vec<String> {
    let (version, revision) = (env!("CARGO_PKG_VERSION"), revision().await);
    let arguments = [
        format!("SERVICE={name}"),
        format!("VERSION={version}"),
        format!("REVISION={revision}"),
    ];
    let arguments = arguments.map(|argument| ["--build-arg".to_owned(), argument]);
    arguments.into_iter().flatten().collect()
}

/// The commit that is checked out; `unknown` without Git.
async fn revision() -> String {
    let head = program::output(command("git", ["rev-parse", "HEAD"])).await;
    head.unwrap_or_else(|_| "unknown".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_content_has_a_different_tag() {
        let first = tag(b"binary", b"FROM scratch");
        assert_eq!(first, tag(b"binary", b"FROM scratch"));
        assert_ne!(first, tag(b"other", b"FROM scratch"));
        assert_ne!(first, tag(b"binary", b"FROM other"));
        let version = env!("CARGO_PKG_VERSION");
        let hash = first.strip_prefix(&format!("{version}-")).unwrap();
        assert_eq!(hash.len(), 12, "{first}");
    }
}
