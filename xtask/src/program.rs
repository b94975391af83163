//! Other programs that the commands run: whether they are installed, and their output.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::process::Stdio;

use ::tests::workspace;
use anyhow::{Context, Result, anyhow, bail};
use tokio::process::Command;

/// How to install the programs that are not part of Rust.
const HINTS: [(&str, &str); 7] = [
    (
        "docker",
        "install Docker, or another engine with its command",
    ),
    ("kind", "install kind 0.30 or later, from kind.sigs.k8s.io"),
    (
        "kubectl",
        "install kubectl, from kubernetes.io/docs/tasks/tools",
    ),
    ("helm", "install Helm 3 or 4, from helm.sh"),
    ("rustup", "install Rust by rustup, from rustup.rs"),
    ("cargo-auditable", "cargo install --locked cargo-auditable"),
    (
        "valgrind",
        "install it with the system's package manager, for example `apt-get install valgrind`",
    ),
];

/// A command that runs in the root of this repository and is killed when dropped.
pub(crate) fn command<S: AsRef<OsStr>>(
    program: &str,
    arguments: impl IntoIterator<Item = S>,
) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(workspace())
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// The same for cargo: the one that runs xtask.
pub(crate) fn cargo<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let cargo = std::env::var("CARGO");
    command(cargo.as_deref().unwrap_or("cargo"), arguments)
}

/// Runs a command. Its output goes to the terminal.
///
/// # Errors
/// If the program is not installed or fails.
pub(crate) async fn run(mut command: Command) -> Result<()> {
    let status = command.status().await;
    let status = status.map_err(|error| start_error(&command, error))?;
    if !status.success() {
        bail!("{} failed with {status}: see above", shown(&command));
    }
    Ok(())
}

/// Runs a command and returns its standard output without surrounding white space.
///
/// # Errors
/// If the program is not installed or fails; the error contains its standard error.
pub(crate) async fn output(mut command: Command) -> Result<String> {
    let output = command.output().await;
    let output = output.map_err(|error| start_error(&command, error))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        let stderr = stderr.trim();
        bail!(
            "{} failed with {}: {stderr}",
            shown(&command),
            output.status
        );
    }
    let text = String::from_utf8(output.stdout);
    let text = text.with_context(|| format!("the output of {} is not UTF-8", shown(&command)))?;
    Ok(text.trim().to_owned())
}

/// Whether a command succeeds. Its output is discarded.
pub(crate) async fn succeeds(mut command: Command) -> bool {
    let command = command.stdout(Stdio::null()).stderr(Stdio::null());
    let status = command.status().await;
    status.is_ok_and(|status| status.success())
}

/// Whether a program is on `PATH`.
pub(crate) fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

/// Checks that all programs are installed.
///
/// # Errors
/// If some are not; the error describes how to install each.
pub(crate) fn require(programs: &[&str]) -> Result<()> {
    let missing = programs.iter().filter(|program| !is_installed(program));
    let missing: Vec<_> = missing.map(|program| not_installed(program)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    bail!("{}", missing.join("\n"))
}

fn not_installed(program: &str) -> String {
    let hint = HINTS.iter().find(|(name, _)| *name == program);
    let hint = hint.map_or("install it", |(_, hint)| hint);
    format!("{program} is not on PATH: {hint}")
}

/// The Docker engine's architecture, such as `amd64`.
///
/// # Errors
/// If no Docker engine responds.
pub(crate) async fn engine_architecture() -> Result<String> {
    let version = command("docker", ["version", "--format", "{{.Server.Arch}}"]);
    output(version)
        .await
        .context("no Docker engine responds: start it, or set DOCKER_HOST to its address")
}

fn start_error(command: &Command, error: std::io::Error) -> anyhow::Error {
    let program = command
        .as_std()
        .get_program()
        .to_string_lossy()
        .into_owned();
    match error.kind() {
        ErrorKind::NotFound => anyhow!(not_installed(&program)),
        _ => anyhow::Error::from(error).context(format!("cannot start {program}")),
    }
}

fn shown(command: &Command) -> String {
    let command = command.as_std();
    let mut text = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_missing_program_is_reported_with_a_hint() {
        let error = require(&["sh", "no-such-program", "no-other"]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no-such-program is not on PATH: install it\n\
             no-other is not on PATH: install it"
        );
    }

    #[tokio::test]
    async fn an_error_contains_the_command_and_its_standard_error() {
        let failing = command("sh", ["-c", "echo no such luck >&2; exit 3"]);
        let error = output(failing).await.unwrap_err().to_string();
        assert!(
            error.starts_with("sh -c") && error.ends_with("no such luck"),
            "{error}"
        );
        assert_eq!(output(command("echo", ["a", "b"])).await.unwrap(), "a b");
    }
}
