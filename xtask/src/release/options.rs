//! The options of a release, and where its files are written.

use std::path::PathBuf;

use ::tests::workspace;
use clap::Args;

/// How images and chart are pushed.
#[derive(Args)]
pub(super) struct Options {
    /// The architectures of the images
    #[arg(long, value_delimiter = ',', default_value = "amd64,arm64")]
    pub(super) architectures: Vec<String>,

    /// The URL of the source code, for the images' labels
    #[arg(long, value_name = "URL", default_value = "")]
    pub(super) source: String,

    /// The image with which buildx generates SBOMs; `none` for no SBOM
    #[arg(
        long,
        value_name = "IMAGE",
        default_value = "docker/buildkit-syft-scanner:stable-1"
    )]
    pub(super) sbom: String,

    /// Let helm reach the registry without TLS, for a registry on this machine
    #[arg(long)]
    pub(super) plain_http: bool,
}

/// The directory of the release's files. Cargo owns target/release.
pub(super) fn directory() -> PathBuf {
    workspace().join("target/publish")
}
