//! One image: its context, its tag, and the call of Docker.

use std::fs;
use std::path::Path;

use ::tests::workspace;
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::console;
use crate::program::{self, call};

/// Apart from where Tilt puts the binaries of its inner loop.
pub(crate) const CONTEXT: &str = "target/image/release";
pub(crate) const DOCKERFILE: &str = "Dockerfile";

/// An image that the Docker engine has.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    /// The program in it.
    pub(crate) name: String,
    /// The tag that its content gave it.
    pub(crate) tag: String,
    /// Its bytes, uncompressed.
    pub(crate) size: u64,
}

impl Image {
    /// Repository and tag.
    pub(crate) fn reference(&self) -> String {
        format!("onetrace/{}:{}", self.name, self.tag)
    }

    /// Gives it a further tag; says by what name it is then known.
    pub(super) async fn tag_also(&self, tag: &str) -> Result<String> {
        let other = format!("onetrace/{}:{tag}", self.name);
        program::run(call("docker", ["tag", &self.reference(), &other])).await?;
        Ok(other)
    }
}

/// Builds the image of a program, unless one of the same content is there.
pub(super) async fn image(name: &str, binary: &Path, architecture: &str) -> Result<Image> {
    let content = fs::read(binary).with_context(|| binary.display().to_string())?;
    let dockerfile = fs::read(workspace().join(DOCKERFILE)).context(DOCKERFILE)?;
    let mut image = Image {
        name: name.to_owned(),
        tag: tag(&content, &dockerfile),
        size: 0,
    };
    // Also where the image is there: `release` takes what was built last.
    place(name, &content, architecture)?;
    let reference = image.reference();
    if !program::succeeds(call("docker", ["image", "inspect", &reference])).await {
        console::progress(format!("building the image {reference}"));
        build(&image, architecture).await?;
    }
    let size = call(
        "docker",
        ["image", "inspect", "--format", "{{.Size}}", &reference],
    );
    let size = program::output(size).await?;
    image.size = size.parse().with_context(|| format!("the size {size:?}"))?;
    Ok(image)
}

/// The version, and the beginning of a hash of all that the image is made of.
fn tag(binary: &[u8], dockerfile: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(dockerfile);
    hash.update(binary);
    let digest = hash.finalize();
    let start = u64::from_be_bytes(digest[..8].try_into().expect("it has 32 bytes")) >> 16;
    format!("{}-{start:012x}", env!("CARGO_PKG_VERSION"))
}

/// Puts the binary where the Dockerfile looks for it.
fn place(name: &str, binary: &[u8], architecture: &str) -> Result<()> {
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
    let mut docker = call("docker", ["build", "--quiet", "--file", DOCKERFILE]);
    docker.args(["--tag", &image.reference()]);
    // Without Buildx nothing else sets it.
    docker.args(["--build-arg", &format!("TARGETARCH={architecture}")]);
    docker.args(build_arguments(&image.name).await);
    docker.arg(CONTEXT);
    // The id that it prints says less than the tag.
    program::output(docker).await.map(drop)
}

/// What the Dockerfile is told about an image.
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

/// The commit that is checked out; a copy without Git has none.
async fn revision() -> String {
    let head = program::output(call("git", ["rev-parse", "HEAD"])).await;
    head.unwrap_or_else(|_| "unknown".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_belongs_to_one_content() {
        let first = tag(b"binary", b"FROM scratch");
        assert_eq!(first, tag(b"binary", b"FROM scratch"));
        assert_ne!(first, tag(b"other", b"FROM scratch"));
        assert_ne!(first, tag(b"binary", b"FROM other"));
        let version = env!("CARGO_PKG_VERSION");
        let hash = first.strip_prefix(&format!("{version}-")).unwrap();
        assert_eq!(hash.len(), 12, "{first}");
    }
}
