//! Static binaries for Linux, also when built on another system.

use std::collections::HashMap;
use std::path::PathBuf;

use ::tests::local;
use anyhow::{Result, bail};

use crate::console;
use crate::program::{self, command};

/// Builds programs for an architecture such as `amd64`; returns the path of each.
pub(super) async fn build(
    architecture: &str,
    names: &[String],
    auditable: bool,
) -> Result<HashMap<String, PathBuf>> {
    if auditable {
        program::require(&["cargo-auditable"])?;
    }
    let target = target(architecture)?;
    add_target(&target).await?;
    require_c_compiler(&target)?;
    let mut arguments = vec!["--release", "--target", &target, "--bins"];
    arguments.extend(names.iter().flat_map(|name| ["--package", name.as_str()]));
    if auditable {
        local::build_auditable(&arguments).await
    } else {
        local::build(&arguments).await
    }
}

fn target(architecture: &str) -> Result<String> {
    let cpu = match architecture {
        "amd64" => "x86_64",
        "arm64" => "aarch64",
        other => bail!(
            "the Docker engine runs on {other}, but images are built only for amd64 and arm64"
        ),
    };
    Ok(format!("{cpu}-unknown-linux-musl"))
}

/// Installs Rust's standard library for the target, if rustup manages Rust.
async fn add_target(target: &str) -> Result<()> {
    if !program::is_installed("rustup") {
        // Rust from another source may include the target.
        return Ok(());
    }
    let installed = program::output(command("rustup", ["target", "list", "--installed"])).await?;
    if installed.lines().any(|line| line == target) {
        return Ok(());
    }
    console::progress(format!("installing Rust's standard library for {target}"));
    program::run(command("rustup", ["target", "add", target])).await
}

/// jemalloc is written in C. Without a compiler or make, its build would fail with a long
/// log; this error is one line.
fn require_c_compiler(target: &str) -> Result<()> {
    let variable = format!("CC_{}", target.replace('-', "_"));
    let compiler = target.replace("-unknown-linux-musl", "-linux-musl-gcc");
    let found = std::env::var_os(&variable).is_some()
        || program::is_installed("musl-gcc")
        || program::is_installed(&compiler);
    if found {
        return program::require(&["make"]);
    }
    bail!(
        "no C compiler for {target}: install musl-gcc (on Debian and Ubuntu: apt install musl-tools) \
         or {compiler}, or set {variable} to a compiler"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_depends_on_the_engine() {
        assert_eq!(target("arm64").unwrap(), "aarch64-unknown-linux-musl");
        let error = target("riscv64").unwrap_err().to_string();
        assert!(error.contains("riscv64"), "{error}");
    }
}
