//! The programs that are measured, built as they are deployed.

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::process::Command;

use ::tests::local::{self, Binaries};
use anyhow::{Context, Error, Result};

use super::Variant;
use crate::console;

/// The programs of all variants.
pub(super) struct Programs {
    /// The services.
    pub(super) services: Binaries,
    plain: Binaries,
}

impl Programs {
    pub(super) async fn build() -> Result<Self> {
        console::progress("building the services in release, which takes minutes the first time");
        let built = local::build(&[
            "--release",
            "--package",
            "gateway",
            "--package",
            "hello",
            "--package",
            "plain",
            // As in the images; plain has what Rust gives it.
            "--features",
            "server/jemalloc",
        ])
        .await?;
        let program = |name: &str| {
            let path = built.get(name).cloned();
            path.with_context(|| format!("the build has made no program {name}"))
        };
        Ok(Self {
            services: Binaries {
                gateway: program("gateway")?,
                hello: program("hello")?,
                others: BTreeMap::new(),
            },
            plain: Binaries {
                gateway: program("plain-gateway")?,
                hello: program("plain-hello")?,
                others: BTreeMap::new(),
            },
        })
    }

    pub(super) fn of(&self, variant: Variant) -> &Binaries {
        match variant {
            Variant::Traced | Variant::Untraced => &self.services,
            Variant::Plain => &self.plain,
        }
    }
}

/// The services in release with the allocator of the images.
///
/// # Errors
/// When the build fails.
pub(super) async fn services() -> Result<Binaries> {
    console::progress("building the services in release, which takes minutes the first time");
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
        path.with_context(|| format!("the build has made no program {name}"))
    };
    Ok(Binaries {
        gateway: program("gateway")?,
        hello: program("hello")?,
        others: BTreeMap::new(),
    })
}

/// Becomes the same recipe built in release; returns only where that fails.
pub(super) async fn again_in_release() -> Result<Error> {
    console::progress("building xtask in release");
    let built = local::build(&["--release", "--package", "xtask"]).await?;
    let xtask = built.get("xtask").context("the build has made no xtask")?;
    let error = Command::new(xtask).args(std::env::args_os().skip(1)).exec();
    Ok(Error::from(error).context(format!("cannot become {}", xtask.display())))
}
