//! Where the Collector and Jaeger come from: a program on `PATH`, a Docker image, or a
//! program that Go builds from `tools/`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::process::Command;
use tokio::time::timeout;

use super::tool::Tool;

/// A Docker engine that does not respond within this time is not used.
const DOCKER_TIMEOUT: Duration = Duration::from_secs(5);

/// A kind of [`Origin`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OriginKind {
    /// A program on `PATH`.
    Path,
    /// A container of the upstream image.
    Docker,
    /// A program that Go builds from `tools/`.
    Go,
}

/// Where a tool was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A program on `PATH`.
    Path(PathBuf),
    /// An image, which may have to be pulled; see [`Origin::fetch`].
    Docker(String),
    /// A program that was built from `tools/`.
    Built(PathBuf),
}

/// Why a tool was not found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    pub(super) tool: Tool,
    pub(super) reasons: Vec<String>,
}

/// Finds the tool: a program on `PATH`, a program that was built before, or an image that
/// was pulled before. Pulls and builds nothing, because a test must not need the network.
///
/// # Errors
/// If it is not found; with a reason for each kind.
pub(super) async fn find(tool: Tool) -> Result<Origin, Missing> {
    let mut reasons = Vec::new();
    for kind in [OriginKind::Path, OriginKind::Go, OriginKind::Docker] {
        match find_by(tool, kind).await {
            Ok(Origin::Docker(image)) if !has_image(&image).await => {
                reasons.push(format!("docker has not pulled {image}"));
            }
            Ok(origin) => return Ok(origin),
            Err(missing) => reasons.extend(missing.reasons),
        }
    }
    Err(Missing { tool, reasons })
}

/// Finds the tool by one kind of origin.
///
/// # Errors
/// If it is not there; with the reason.
pub async fn find_by(tool: Tool, kind: OriginKind) -> Result<Origin, Missing> {
    let found = match kind {
        OriginKind::Path => on_path(tool).await.map(Origin::Path),
        OriginKind::Docker => docker().await.map(|()| Origin::Docker(tool.image())),
        OriginKind::Go => built(tool).map(Origin::Built),
    };
    found.map_err(|reason| Missing {
        tool,
        reasons: vec![reason],
    })
}

/// Builds the tool with Go, which takes minutes the first time. Go's messages go to standard
/// error.
///
/// # Errors
/// If Go is not installed or the build fails.
pub async fn build(tool: Tool) -> Result<Origin> {
    if run(Command::new("go").arg("version")).await.is_err() {
        bail!(
            "Go is not installed: install Go 1.25 or later, or Docker, or put the program on PATH"
        );
    }
    let directory = tool.directory();
    let status = run(&mut Command::new(directory.join("build"))).await?;
    if !status.success() || !tool.built().is_file() {
        bail!("the build in {} failed: see above", directory.display());
    }
    Ok(Origin::Built(tool.built()))
}

impl Origin {
    /// Pulls the image if this is one and it is not there. Messages go to standard error.
    ///
    /// # Errors
    /// If it cannot be pulled.
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

/// Finds a program on `PATH` that accepts our configuration, which an older one may not.
async fn on_path(tool: Tool) -> Result<PathBuf, String> {
    let names = tool.programs();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut reason = format!("PATH has no {}", names.join(", no "));
    for name in names {
        let mut places = directories.iter().map(|directory| directory.join(name));
        let Some(program) = places.find(|place| place.is_file()) else {
            continue;
        };
        match validate(tool, &program).await {
            Ok(()) => return Ok(program),
            Err(why) => {
                let program = program.display();
                reason = format!("{program} rejects the configuration: {why}");
            }
        }
    }
    Err(reason)
}

async fn validate(tool: Tool, program: &Path) -> Result<(), String> {
    let outcome = Command::new(program)
        .arg("validate")
        .arg("--config")
        .arg(tool.configuration())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await;
    let output = outcome.map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    let mut lines = errors.lines().filter(|line| !line.trim().is_empty());
    Err(lines.next_back().unwrap_or("no reason given").to_owned())
}

fn built(tool: Tool) -> Result<PathBuf, String> {
    let program = tool.built();
    if program.is_file() {
        return Ok(program);
    }
    Err(format!("tools/{} has not been built", tool.name()))
}

async fn docker() -> Result<(), String> {
    let version = docker_succeeds(&["version", "--format", "{{.Server.Version}}"]);
    match timeout(DOCKER_TIMEOUT, version).await {
        Ok(Ok(true)) => Ok(()),
        Ok(Ok(false)) | Err(_) => Err("no Docker engine responds".to_owned()),
        Ok(Err(_)) => Err("docker is not installed".to_owned()),
    }
}

async fn has_image(image: &str) -> bool {
    let found = docker_succeeds(&["image", "inspect", image]).await;
    found.unwrap_or(false)
}

async fn docker_succeeds(arguments: &[&str]) -> std::io::Result<bool> {
    let status = Command::new("docker")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .status();
    Ok(status.await?.success())
}

/// Runs a command with its output on standard error: standard output belongs to the recipe.
async fn run(command: &mut Command) -> std::io::Result<ExitStatus> {
    command
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .kill_on_drop(true)
        .status()
        .await
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(program) => write!(f, "{}, from PATH", program.display()),
            Self::Docker(image) => write!(f, "the image {image}, in Docker"),
            Self::Built(program) => write!(f, "{}, built with Go", program.display()),
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, reasons) = (self.tool.name(), self.reasons.join("; "));
        write!(f, "{name} was not found: {reasons}")
    }
}

impl std::error::Error for Missing {}
