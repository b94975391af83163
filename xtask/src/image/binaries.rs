//! Static binaries for Linux, whatever this machine runs.

use std::collections::HashMap;
use std::path::PathBuf;

use ::tests::local;
use anyhow::{Result, bail};

use crate::console;
use crate::program::{self, call};

/// Builds programs for an architecture as images name it; says where each is.
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
        other => bail!("the Docker engine runs {other}: images are built for amd64 and arm64"),
    };
    Ok(format!("{cpu}-unknown-linux-musl"))
}

/// Adds Rust's libraries for the target where they are missing.
async fn add_target(target: &str) -> Result<()> {
    if !program::is_there("rustup") {
        // Rust that was installed otherwise may have the target all the same.
        return Ok(());
    }
    let installed = program::output(call("rustup", ["target", "list", "--installed"])).await?;
    if installed.lines().any(|line| line == target) {
        return Ok(());
    }
    console::progress(format!("adding Rust's libraries for {target}"));
    program::run(call("rustup", ["target", "add", target])).await
}

/// jemalloc is C. Its build would say in many lines that there is no compiler, or no make.
fn require_c_compiler(target: &str) -> Result<()> {
    let variable = format!("CC_{}", target.replace('-', "_"));
    let compiler = target.replace("-unknown-linux-musl", "-linux-musl-gcc");
    let is_there = std::env::var_os(&variable).is_some()
        || program::is_there("musl-gcc")
        || program::is_there(&compiler);
    if is_there {
        return program::require(&["make"]);
    }
    bail!(
        "there is no C compiler for {target}: install musl-gcc (on Debian and Ubuntu: apt install musl-tools) \
         or {compiler}, or name one in {variable}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_decides_on_the_target() {
        assert_eq!(target("arm64").unwrap(), "aarch64-unknown-linux-musl");
        let error = target("riscv64").unwrap_err().to_string();
        assert!(error.contains("riscv64"), "{error}");
    }
}
