//! Which Collector and which Jaeger this machine has.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::Tool;
use crate::workspace;

/// A Docker engine that has not answered by then is as good as none.
const DOCKER_ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// A way to come by a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
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
    /// An image; it is pulled where it is not there.
    Docker(String),
    /// A program that was built from `tools/`.
    Built(PathBuf),
}

/// Why there is no such tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    pub(super) tool: Tool,
    pub(super) reasons: Vec<String>,
}

/// The first that is there of: a program on `PATH`, a container, a program that
/// was built before. Nothing is pulled or built.
///
/// # Errors
/// When there is none; with the reason of each.
pub async fn find(tool: Tool) -> Result<Origin, Missing> {
    let mut reasons = Vec::new();
    for way in [Way::Path, Way::Go, Way::Docker] {
        match find_by(tool, way).await {
            // A test must not wait for an image from the network.
            Ok(Origin::Docker(image)) if !has_image(&image).await => {
                reasons.push(format!("docker has not pulled {image}"));
            }
            Ok(origin) => return Ok(origin),
            Err(missing) => reasons.extend(missing.reasons),
        }
    }
    Err(Missing { tool, reasons })
}

/// The tool by one way.
///
/// # Errors
/// When it is not there; with the reason.
pub async fn find_by(tool: Tool, way: Way) -> Result<Origin, Missing> {
    let found = match way {
        Way::Path => on_path(tool).await.map(Origin::Path),
        Way::Docker => docker().await.map(|()| Origin::Docker(tool.image())),
        Way::Go => built(tool).map(Origin::Built),
    };
    found.map_err(|reason| Missing {
        tool,
        reasons: vec![reason],
    })
}

impl Tool {
    const COLLECTOR_VERSION: &'static str = "0.161.0";
    const JAEGER_VERSION: &'static str = "2.13.0";

    /// The release that `tools/` builds and whose image is run.
    pub fn version(self) -> &'static str {
        match self {
            Self::Collector => Self::COLLECTOR_VERSION,
            Self::Jaeger => Self::JAEGER_VERSION,
        }
    }

    fn programs(self) -> &'static [&'static str] {
        match self {
            Self::Collector => &["otelcol", "otelcol-k8s", "otelcol-contrib"],
            Self::Jaeger => &["jaeger"],
        }
    }

    fn image(self) -> String {
        let repository = match self {
            Self::Collector => "otel/opentelemetry-collector-k8s",
            Self::Jaeger => "jaegertracing/jaeger",
        };
        format!("{repository}:{}", self.version())
    }

    /// Its configuration, shared with the chart.
    pub(super) fn configuration(self) -> PathBuf {
        let file = match self {
            Self::Collector => "collector.yaml",
            Self::Jaeger => "jaeger.yaml",
        };
        workspace().join("charts/onetrace/files").join(file)
    }

    /// The directory that pins what is built.
    pub(super) fn directory(self) -> PathBuf {
        workspace().join("tools").join(self.name())
    }

    /// The program that is built there.
    pub(super) fn built(self) -> PathBuf {
        self.directory().join("bin").join(self.programs()[0])
    }
}

/// A program on `PATH` that takes our configuration: an older one may not.
async fn on_path(tool: Tool) -> Result<PathBuf, String> {
    let names = tool.programs();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut reason = format!("there is no {} on PATH", names.join(", no "));
    for name in names {
        let mut places = directories.iter().map(|directory| directory.join(name));
        let Some(program) = places.find(|place| place.is_file()) else {
            continue;
        };
        match validate(tool, &program).await {
            Ok(()) => return Ok(program),
            Err(why) => {
                let program = program.display();
                reason = format!("{program} does not take the configuration: {why}");
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
    match outcome {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            let mut lines = said.lines().filter(|line| !line.trim().is_empty());
            Err(lines
                .next_back()
                .unwrap_or("it does not say why")
                .to_owned())
        }
        Err(error) => Err(error.to_string()),
    }
}

fn built(tool: Tool) -> Result<PathBuf, String> {
    let program = tool.built();
    if program.is_file() {
        return Ok(program);
    }
    Err(format!("tools/{} has not been built", tool.name()))
}

async fn docker() -> Result<(), String> {
    let asked = quiet(&["version", "--format", "{{.Server.Version}}"]);
    match timeout(DOCKER_ANSWERS_WITHIN, asked).await {
        Ok(Ok(true)) => Ok(()),
        Ok(Ok(false)) | Err(_) => Err("no Docker engine answers".to_owned()),
        Ok(Err(_)) => Err("there is no docker".to_owned()),
    }
}

pub(super) async fn has_image(image: &str) -> bool {
    quiet(&["image", "inspect", image]).await.unwrap_or(false)
}

async fn quiet(arguments: &[&str]) -> std::io::Result<bool> {
    let status = Command::new("docker")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .status();
    Ok(status.await?.success())
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(program) => write!(f, "{}, from PATH", program.display()),
            Self::Docker(image) => write!(f, "the image {image}, by Docker"),
            Self::Built(program) => write!(f, "{}, built by Go", program.display()),
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, reasons) = (self.tool.name(), self.reasons.join("; "));
        write!(f, "no {name}: {reasons}")
    }
}

impl std::error::Error for Missing {}
