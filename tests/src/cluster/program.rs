//! Runs Helm and kubectl.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// The result of a program that has ended.
#[derive(Clone, Debug)]
pub struct ProgramOutput {
    /// Whether its exit status was 0.
    pub success: bool,
    /// Its standard output, then its standard error.
    pub text: String,
    command: String,
}

/// Runs a program from the root of the repository, with `input` as its standard input.
pub(super) async fn run(
    program: &str,
    arguments: &[&str],
    input: &str,
    kubeconfig: &str,
) -> Result<ProgramOutput> {
    let mut child = Command::new(program)
        .args(arguments)
        .env("KUBECONFIG", kubeconfig)
        .current_dir(crate::workspace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("{program} cannot be started: is it installed?"))?;
    let mut stdin = child.stdin.take().context("stdin is piped")?;
    // A program that has failed may have closed its standard input; its output has the cause.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = child.wait_with_output().await?;
    let [stdout, stderr] =
        [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    Ok(ProgramOutput {
        success: output.status.success(),
        text: format!("{}\n{}", stdout.trim(), stderr.trim()),
        command: format!("{program} {}", arguments.join(" ")),
    })
}

impl ProgramOutput {
    /// Returns the text of a program that has succeeded.
    ///
    /// # Errors
    /// If it has failed; with the command and its output.
    pub fn into_text(self) -> Result<String> {
        ensure!(self.success, "{} failed: {}", self.command, self.text);
        Ok(self.text)
    }
}
