//! Calls of Helm.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// How long Helm may wait for what it installs; also for images that are pulled.
const TIMEOUT: &str = "180s";

/// A program of Helm, for one cluster.
#[derive(Clone, Debug)]
pub struct Helm {
    program: String,
    kubeconfig: PathBuf,
}

/// What a call of Helm came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Whether it succeeded.
    pub success: bool,
    /// All that it said.
    pub said: String,
}

impl Helm {
    pub(super) fn new(program: &str, kubeconfig: &Path) -> Self {
        Self {
            program: program.to_owned(),
            kubeconfig: kubeconfig.to_owned(),
        }
    }

    /// Whether it is there.
    pub async fn is_there(&self) -> bool {
        let version = self.call("version", &[], None).await;
        version.is_ok_and(|version| version.success)
    }

    /// Runs a command of it to its end, with `values` as a last file of values.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn call(
        &self,
        command: &str,
        arguments: &[&str],
        values: Option<&Value>,
    ) -> Result<Outcome> {
        let mut helm = Command::new(&self.program);
        helm.arg(command)
            .args(arguments)
            .env("KUBECONFIG", &self.kubeconfig)
            .current_dir(crate::workspace())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if values.is_some() {
            helm.args(["--values", "-"]);
        }
        let mut helm = helm
            .spawn()
            .with_context(|| format!("{} cannot be started: install Helm", self.program))?;
        let mut stdin = helm.stdin.take().context("its standard input")?;
        if let Some(values) = values {
            stdin.write_all(values.to_string().as_bytes()).await?;
        }
        drop(stdin);
        Ok(Outcome::of(&helm.wait_with_output().await?))
    }

    /// As [`Helm::call`], waiting for what the command changes to be ready.
    ///
    /// # Errors
    /// When it fails; with what it said.
    pub async fn call_and_wait(
        &self,
        command: &str,
        arguments: &[&str],
        values: Option<&Value>,
    ) -> Result<()> {
        let all = [arguments, &["--wait", "--timeout", TIMEOUT]].concat();
        let outcome = self.call(command, &all, values).await?;
        if !outcome.success {
            let said = &outcome.said;
            bail!(
                "{} {command} {} failed: {said}",
                self.program,
                arguments.join(" ")
            );
        }
        Ok(())
    }
}

impl Outcome {
    fn of(output: &Output) -> Self {
        let [stdout, stderr] =
            [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
        Self {
            success: output.status.success(),
            said: format!("{}\n{}", stdout.trim(), stderr.trim()),
        }
    }
}
