//! Builds the Collector and Jaeger from their Go modules, for machines that have
//! neither the programs nor Docker.

use std::process::{ExitStatus, Stdio};

use anyhow::{Result, bail};
use tokio::process::Command;

use super::Tool;
use super::find::{Origin, has_image};

/// Has Go build the tool, which takes minutes the first time; progress goes to
/// standard error.
///
/// # Errors
/// When there is no Go, or the build fails.
pub async fn build(tool: Tool) -> Result<Origin> {
    let directory = tool.directory();
    if run(Command::new("go").arg("version")).await.is_err() {
        bail!(
            "there is no go to build it with: install Go 1.25 or later, or Docker, or put the program on PATH"
        );
    }
    let status = run(&mut Command::new(directory.join("build"))).await?;
    if !status.success() || !tool.built().is_file() {
        bail!("the build in {} failed: see above", directory.display());
    }
    Ok(Origin::Built(tool.built()))
}

impl Origin {
    /// Gets what is needed to start it: the image, where it is one that is not
    /// there. Progress goes to standard error.
    ///
    /// # Errors
    /// When it cannot be pulled.
    pub async fn fetch(&self) -> Result<()> {
        let Self::Docker(image) = self else {
            return Ok(());
        };
        if has_image(image).await {
            return Ok(());
        }
        let status = run(Command::new("docker").args(["pull", image])).await?;
        if !status.success() {
            bail!("docker cannot pull {image}: see above");
        }
        Ok(())
    }
}

/// With its output on standard error, so that standard output is the recipe's own.
async fn run(command: &mut Command) -> std::io::Result<ExitStatus> {
    command
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .kill_on_drop(true)
        .status()
        .await
}
