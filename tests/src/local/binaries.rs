//! The services' programs: built by cargo, or in a directory.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::process::Command;
use tokio::sync::OnceCell;

use crate::{services, workspace};

/// The variable that names a directory with the services' programs. If it is set, they are
/// not built.
pub const DIRECTORY: &str = "ONETRACE_BINARIES";

/// The services that tests use by name.
const NAMED: [&str; 2] = ["gateway", "hello"];

/// A profile of cargo.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// The profile of tests.
    #[default]
    Dev,
    /// The profile of the images.
    Release,
}

/// The programs of the services.
#[derive(Clone, Debug)]
pub struct Binaries {
    /// The gateway.
    pub gateway: PathBuf,
    /// hello.
    pub hello: PathBuf,
    /// The other services of the chart's values, by name.
    pub others: BTreeMap<String, PathBuf>,
}

impl Binaries {
    /// The programs in the directory `ONETRACE_BINARIES` if that is set. Otherwise they are
    /// built, once per process.
    ///
    /// # Errors
    /// If one is missing or the build fails.
    pub async fn find() -> Result<&'static Self> {
        static FOUND: OnceCell<Binaries> = OnceCell::const_new();
        FOUND
            .get_or_try_init(async || match std::env::var_os(DIRECTORY) {
                Some(directory) => Self::in_directory(Path::new(&directory)),
                None => Self::build(Profile::Dev).await,
            })
            .await
    }

    /// The programs in `directory`.
    ///
    /// # Errors
    /// If one is missing.
    pub fn in_directory(directory: &Path) -> Result<Self> {
        let names = services::names()?;
        Self::from(&names, |name| {
            let path = directory.join(name);
            if path.is_file() {
                return Ok(path);
            }
            bail!(
                "{} does not exist: build it with `cargo build {}`, or unset {DIRECTORY}",
                path.display(),
                packages(&names).join(" ")
            );
        })
    }

    /// Builds them. cargo's messages go to standard error.
    ///
    /// # Errors
    /// If the build fails.
    pub async fn build(profile: Profile) -> Result<Self> {
        let names = services::names()?;
        let mut arguments = packages(&names);
        match profile {
            // With xtask in the same build, all crates have the features that they have when
            // xtask itself is built, and are not built twice.
            Profile::Dev => {
                arguments.extend(["--package", "xtask"]);
                arguments.extend(names.iter().flat_map(|name| ["--bin", name.as_str()]));
            }
            Profile::Release => arguments.push("--release"),
        }
        let built = build(&arguments).await?;
        Self::from(&names, |name| {
            let path = built.get(name).cloned();
            path.with_context(|| format!("cargo has not built {name}"))
        })
    }

    fn from(names: &[String], program: impl Fn(&str) -> Result<PathBuf>) -> Result<Self> {
        let others = names.iter().filter(|name| !NAMED.contains(&name.as_str()));
        let others = others.map(|name| Ok((name.clone(), program(name)?)));
        Ok(Self {
            gateway: program("gateway")?,
            hello: program("hello")?,
            others: others.collect::<Result<_>>()?,
        })
    }

    /// All programs by name.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &Path)> {
        let named = [("gateway", &self.gateway), ("hello", &self.hello)];
        let named = named.map(|(name, path)| (name, path.as_path()));
        named.into_iter().chain(self.others())
    }

    /// The other services' programs by name.
    pub(super) fn others(&self) -> impl Iterator<Item = (&str, &Path)> {
        let others = self.others.iter();
        others.map(|(name, path)| (name.as_str(), path.as_path()))
    }
}

/// cargo's arguments that select these packages.
fn packages(names: &[String]) -> Vec<&str> {
    let names = names.iter().map(String::as_str);
    names.flat_map(|name| ["--package", name]).collect()
}

/// Runs `cargo build` with these arguments; returns the programs by name. cargo's messages
/// go to standard error.
///
/// # Errors
/// If the build fails.
pub async fn build(arguments: &[&str]) -> Result<HashMap<String, PathBuf>> {
    build_by(&["build"], arguments).await
}

/// The same with cargo-auditable, which embeds the list of crates in each program.
///
/// # Errors
/// If the build fails.
pub async fn build_auditable(arguments: &[&str]) -> Result<HashMap<String, PathBuf>> {
    build_by(&["auditable", "build"], arguments).await
}

async fn build_by(command: &[&str], arguments: &[&str]) -> Result<HashMap<String, PathBuf>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let child = Command::new(cargo)
        .current_dir(workspace())
        .args(command)
        .arg("--message-format=json-render-diagnostics")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("cannot start cargo: is Rust installed, and on PATH?")?;
    // Not `output`, which would also capture standard error.
    let output = child.wait_with_output().await?;
    if !output.status.success() {
        let command = [command, arguments].concat();
        bail!("cargo {} failed: see above", command.join(" "));
    }
    Ok(programs(&output.stdout))
}

/// Reads the programs from cargo's messages.
fn programs(messages: &[u8]) -> HashMap<String, PathBuf> {
    let program = |line: &[u8]| {
        let message: Value = serde_json::from_slice(line).ok()?;
        // A test program has the name of its package, too.
        if message["profile"]["test"] == true {
            return None;
        }
        let path = message["executable"].as_str()?;
        let name = message["target"]["name"].as_str()?;
        Some((name.to_owned(), PathBuf::from(path)))
    };
    messages
        .split(|byte| *byte == b'\n')
        .filter_map(program)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_read_from_cargos_messages() {
        let messages =
            br#"{"reason":"compiler-artifact","target":{"name":"serde"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"hello"},"profile":{"test":false},"executable":"/target/debug/hello"}
{"reason":"compiler-artifact","target":{"name":"hello"},"profile":{"test":true},"executable":"/target/debug/deps/hello-1"}
{"reason":"build-finished","success":true}
"#;
        let found = programs(messages);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found["hello"], Path::new("/target/debug/hello"));
    }

    #[test]
    fn the_error_for_a_missing_program_contains_the_build_command() {
        let error = Binaries::in_directory(Path::new("/no/such"));
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("/no/such/gateway") && error.contains("cargo build"),
            "{error}"
        );
    }
}
