//! The binaries that images are made of: all there, each for its architecture, and
//! with the list of its crates, without which an SBOM would be empty.

use std::fs;

use ::tests::workspace;
use anyhow::{Context, Result, bail};

use crate::image::{CONTEXT, make_executable};

/// The section in which cargo-auditable puts the list.
const LIST: &[u8] = b".dep-v0";
/// Where an ELF file says for which machine it is.
const MACHINE: usize = 18;

/// Checks each program for each architecture, and makes it executable, which what
/// carries it from another machine may not have kept.
///
/// # Errors
/// When one is not there or not as it must be; says how it is built.
pub(super) fn prepare(names: &[String], architectures: &[String]) -> Result<()> {
    for architecture in architectures {
        for name in names {
            let path = workspace().join(CONTEXT).join(architecture).join(name);
            check_one(&fs::read(&path).unwrap_or_default(), architecture)
                .with_context(|| path.display().to_string())
                .with_context(|| {
                    format!("run `cargo xtask image --auditable` on {architecture} first")
                })?;
            make_executable(&path)?;
        }
    }
    Ok(())
}

fn check_one(content: &[u8], architecture: &str) -> Result<()> {
    let machine: u8 = match architecture {
        "amd64" => 62,
        "arm64" => 183,
        other => bail!("images are built for amd64 and arm64, not for {other}"),
    };
    if content.is_empty() {
        bail!("it is not there");
    }
    if !content.starts_with(b"\x7fELF") || content.get(MACHINE) != Some(&machine) {
        bail!("it is no program for {architecture}");
    }
    if !content.windows(LIST.len()).any(|bytes| bytes == LIST) {
        bail!("it has no list of its crates");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(content: &[u8], architecture: &str) -> String {
        check_one(content, architecture).unwrap_err().to_string()
    }

    #[test]
    fn a_binary_is_of_its_architecture_and_has_the_list_of_its_crates() {
        let mut elf = b"\x7fELF".to_vec();
        elf.resize(64, 0);
        elf[MACHINE] = 183;
        assert!(problem(&elf, "arm64").contains("list of its crates"));
        elf.extend(LIST);
        check_one(&elf, "arm64").unwrap();
        assert!(problem(&elf, "amd64").contains("for amd64"));
        assert!(problem(&elf, "s390x").contains("s390x"));
        assert!(problem(b"", "arm64").contains("not there"));
        assert!(problem(b"#!/bin/sh", "arm64").contains("no program"));
    }
}
