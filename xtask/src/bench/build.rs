//! Release builds of the programs that are measured.

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use ::tests::local::{self, Binaries};
use anyhow::{Context, Error, Result};

use crate::console;

/// The programs in the directory `ONETRACE_BINARIES` if that is set; otherwise builds
/// the services in release, with the allocator of the images.
///
/// # Errors
/// If the build fails.
pub(super) async fn services() -> Result<Binaries> {
    if let Some(directory) = std::env::var_os(local::DIRECTORY) {
        return Binaries::in_directory(Path::new(&directory));
    }
    console::progress("building the services in release; the first build takes minutes");
    let built = local::build(&[
        "--release",
        "--package",
        "gateway",
        "--package",
        "hello",
        "--features",
        "server/jemalloc",
    ])
    .await?;
    let program = |name: &str| {
        let path = built.get(name).cloned();
        path.with_context(|| format!("cargo built no program {name}"))
    };
    Ok(Binaries {
        gateway: program("gateway")?,
        hello: program("hello")?,
        others: BTreeMap::new(),
    })
}

/// Replaces this process by a release build of the same command. Returns only when
/// that fails.
pub(super) async fn restart_in_release() -> Result<Error> {
    console::progress("building xtask in release");
    let built = local::build(&["--release", "--package", "xtask"]).await?;
    let xtask = built.get("xtask").context("cargo built no program xtask")?;
    let error = Command::new(xtask).args(std::env::args_os().skip(1)).exec();
    Ok(Error::from(error).context(format!("cannot start {}", xtask.display())))
}
