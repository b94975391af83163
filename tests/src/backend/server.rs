//! The Collector or Jaeger as a process, or as a container whose `docker run` is a process.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Result;
use tokio::process::Command;

use super::origin::Origin;
use super::tool::Tool;
use crate::process::{self, Process};

/// The directory of the chart's files in a container.
const MOUNTED: &str = "/etc/onetrace";

/// The directory of an overlay in a container.
const OVERLAY: &str = "/etc/onetrace-overlay";

/// A configuration file that is merged over a tool's.
pub(super) struct Overlay {
    directory: PathBuf,
    file: String,
}

impl Overlay {
    /// `None` if the path is not of a file in a directory.
    pub(super) fn new(path: &Path) -> Option<Self> {
        Some(Self {
            directory: path.parent()?.to_owned(),
            file: path.file_name().and_then(OsStr::to_str)?.to_owned(),
        })
    }

    /// Passes the overlay to a tool that sees its directory under this path.
    fn pass_to(&self, command: &mut Command, directory: &Path) {
        command.arg("--config").arg(directory.join(&self.file));
    }
}

/// A running Collector or Jaeger.
#[derive(Debug)]
pub(super) struct Server {
    /// The process, or `docker run`, which passes signals on to the container.
    pub(super) process: Process,
    container: Option<String>,
}

impl Server {
    /// Starts the tool. In its configuration, `${env:OVERLAY}` is the overlay's directory.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(super) fn start(
        tool: Tool,
        origin: &Origin,
        mut variables: Vec<(String, String)>,
        ports: &[u16],
        overlay: Option<&Overlay>,
    ) -> Result<Self> {
        let directory = overlay.map(|overlay| match origin {
            Origin::Docker(_) => Path::new(OVERLAY),
            Origin::Path(_) | Origin::Built(_) => overlay.directory.as_path(),
        });
        if let Some(directory) = directory {
            variables.push(("OVERLAY".to_owned(), directory.display().to_string()));
        }
        let (mut command, container) = match origin {
            Origin::Path(program) | Origin::Built(program) => {
                let mut command = process::command(program);
                command.envs(variables);
                command.arg("--config").arg(tool.configuration());
                (command, None)
            }
            Origin::Docker(image) => {
                let name = container_name(tool);
                let mounted = overlay.map(|overlay| overlay.directory.as_path());
                let command = docker_run(tool, &name, image, &variables, ports, mounted);
                (command, Some(name))
            }
        };
        if let (Some(overlay), Some(directory)) = (overlay, directory) {
            overlay.pass_to(&mut command, directory);
        }
        let process = Process::start(tool.name(), &mut command)?;
        Ok(Self { process, container })
    }

    /// Its name and its last output, for an error message.
    pub(super) fn report(&self) -> String {
        let (name, output) = (self.process.name(), self.process.output().report());
        format!("{name} wrote\n{output}\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // `docker run` can be killed without its container.
        let Some(container) = &self.container else {
            return;
        };
        if matches!(self.process.try_wait(), Ok(Some(_))) {
            return;
        }
        let removed = std::process::Command::new("docker")
            .args(["rm", "--force", container])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if removed.is_err() {
            eprintln!("cannot remove the container {container}: run docker rm -f {container}");
        }
    }
}

fn container_name(tool: Tool) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("onetrace-{}-{}-{number}", tool.name(), std::process::id())
}

fn docker_run(
    tool: Tool,
    name: &str,
    image: &str,
    variables: &[(String, String)],
    ports: &[u16],
    overlay: Option<&Path>,
) -> Command {
    let file = tool.configuration();
    let directory = file.parent().unwrap_or(&file);
    let mut command = Command::new("docker");
    command
        .args(["run", "--rm", "--name", name])
        .args(network(ports))
        .arg("--volume")
        .arg(format!("{}:{MOUNTED}:ro", directory.display()));
    if let Some(overlay) = overlay {
        command.arg("--volume");
        command.arg(format!("{}:{OVERLAY}:ro", overlay.display()));
    }
    for (variable, value) in variables {
        command.arg("--env").arg(format!("{variable}={value}"));
    }
    let config = format!("{MOUNTED}/{}.yaml", tool.name());
    command.args([image, "--config", &config]);
    command
}

/// On Linux a container can use this machine's network. Elsewhere the engine runs in a virtual
/// machine, and the ports must be published.
fn network(ports: &[u16]) -> Vec<String> {
    if cfg!(target_os = "linux") {
        return vec!["--network=host".to_owned()];
    }
    let published = ports
        .iter()
        .map(|port| format!("--publish=127.0.0.1:{port}:{port}"));
    let inside = ["--env=LISTEN_HOST=0.0.0.0", "--env=METRICS_HOST=0.0.0.0"];
    published.chain(inside.map(str::to_owned)).collect()
}
