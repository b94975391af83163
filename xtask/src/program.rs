//! Programs that recipes call: whether they are there, and what they say.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::process::Stdio;

use ::tests::workspace;
use anyhow::{Context, Result, anyhow, bail};
use tokio::process::Command;

/// Programs that are not part of Rust, each with the way to come by it.
const REMEDIES: [(&str, &str); 7] = [
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

/// A call of `program` from the root of this repository, ended when it is dropped.
pub(crate) fn call<S: AsRef<OsStr>>(
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

/// Runs a call to its end, whose output is then this recipe's.
///
/// # Errors
/// When the program is not there, or fails.
pub(crate) async fn run(mut command: Command) -> Result<()> {
    let status = command.status().await;
    let status = status.map_err(|error| unstarted(&command, error))?;
    if !status.success() {
        bail!("{} failed, with {status}: see above", shown(&command));
    }
    Ok(())
}

/// What a call writes to standard output, without white space at its ends.
///
/// # Errors
/// When the program is not there, or fails; with what it says then.
pub(crate) async fn output(mut command: Command) -> Result<String> {
    let output = command.output().await;
    let output = output.map_err(|error| unstarted(&command, error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim();
        bail!("{} failed, with {}: {said}", shown(&command), output.status);
    }
    let text = String::from_utf8(output.stdout);
    let text = text.with_context(|| format!("{} wrote no text", shown(&command)))?;
    Ok(text.trim().to_owned())
}

/// Whether a call succeeds; nothing of what it says is shown.
pub(crate) async fn succeeds(mut command: Command) -> bool {
    let command = command.stdout(Stdio::null()).stderr(Stdio::null());
    let status = command.status().await;
    status.is_ok_and(|status| status.success())
}

/// Whether a program is on `PATH`.
pub(crate) fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

/// Says of all that is missing how to come by it.
///
/// # Errors
/// When one of the programs is missing.
pub(crate) fn require(programs: &[&str]) -> Result<()> {
    let missing = programs.iter().filter(|program| !is_there(program));
    let missing: Vec<_> = missing.map(|program| missing_one(program)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    bail!("{}", missing.join("\n"))
}

fn missing_one(program: &str) -> String {
    let remedy = REMEDIES.iter().find(|(name, _)| *name == program);
    let remedy = remedy.map_or("install it", |(_, remedy)| remedy);
    format!("there is no {program} on PATH: {remedy}")
}

/// The engine's architecture, as images name it.
///
/// # Errors
/// When no Docker engine answers.
pub(crate) async fn engine_architecture() -> Result<String> {
    let asked = output(call("docker", ["version", "--format", "{{.Server.Arch}}"]));
    asked
        .await
        .context("no Docker engine answers: start it, or set DOCKER_HOST to where it is")
}

fn unstarted(command: &Command, error: std::io::Error) -> anyhow::Error {
    let program = command
        .as_std()
        .get_program()
        .to_string_lossy()
        .into_owned();
    match error.kind() {
        ErrorKind::NotFound => anyhow!(missing_one(&program)),
        _ => anyhow::Error::from(error).context(format!("{program} cannot be started")),
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
    fn all_that_is_missing_is_told_with_the_remedy() {
        let error = require(&["sh", "no-such-program", "no-other"]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no no-such-program on PATH: install it\n\
             there is no no-other on PATH: install it"
        );
    }

    #[tokio::test]
    async fn a_failure_has_the_call_and_what_it_said() {
        let failing = call("sh", ["-c", "echo no such luck >&2; exit 3"]);
        let error = output(failing).await.unwrap_err().to_string();
        assert!(
            error.starts_with("sh -c") && error.ends_with("no such luck"),
            "{error}"
        );
        assert_eq!(output(call("echo", ["a", "b"])).await.unwrap(), "a b");
    }
}
