//! Checks the binaries before they become images.

use std::fs;
use std::path::Path;

use ::tests::workspace;
use anyhow::{Context, Result, bail, ensure};
use object::{Architecture, Object};

use crate::image::{CONTEXT, make_executable};

/// The section in which cargo-auditable embeds the list of crates.
const CRATES_SECTION: &str = ".dep-v0";

/// Checks that each program exists, is for its architecture, and contains the list of its
/// crates: without the list the image's SBOM would be empty. Makes each executable,
/// because a copy from another machine may have lost that permission.
///
/// # Errors
/// If a check fails; the error contains the command that builds the program.
pub(super) fn prepare(names: &[String], architectures: &[String]) -> Result<()> {
    for architecture in architectures {
        for name in names {
            let path = workspace().join(CONTEXT).join(architecture).join(name);
            check(&path, architecture)
                .with_context(|| path.display().to_string())
                .with_context(|| {
                    format!("run `cargo xtask image --auditable` on {architecture} first")
                })?;
            make_executable(&path)?;
        }
    }
    Ok(())
}

fn check(path: &Path, architecture: &str) -> Result<()> {
    let expected = match architecture {
        "amd64" => Architecture::X86_64,
        "arm64" => Architecture::Aarch64,
        other => bail!("images are built for amd64 and arm64, not for {other}"),
    };
    let content = fs::read(path)?;
    let file = object::File::parse(&*content)?;
    ensure!(
        file.architecture() == expected,
        "the program is for {:?}, not for {architecture}",
        file.architecture()
    );
    ensure!(
        file.section_by_name(CRATES_SECTION).is_some(),
        "the program does not contain the list of its crates"
    );
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_program_must_be_for_its_architecture_and_contain_the_list_of_its_crates() {
        let this_program = std::env::current_exe().unwrap();
        let (own, other) = match std::env::consts::ARCH {
            "x86_64" => ("amd64", "arm64"),
            _ => ("arm64", "amd64"),
        };
        for (path, architecture, expected) in [
            (&*this_program, own, "list of its crates"),
            (&*this_program, other, "not for"),
            (&*this_program, "s390x", "s390x"),
            (Path::new("/no/such/program"), own, "No such file"),
        ] {
            let error = check(path, architecture).unwrap_err().to_string();
            assert!(error.contains(expected), "{expected:?} in {error:?}");
        }
    }
}
