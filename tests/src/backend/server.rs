//! The Collector or Jaeger as a process, or as a container whose client is one.

use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::process::Command;

use super::settings::Chosen;
use super::{BackendSettings, Origin, Tool};
use crate::process::{Output, Process};

/// Where a container has the chart's files.
const MOUNTED: &str = "/etc/onetrace";

/// A running Collector or Jaeger.
#[derive(Debug)]
pub struct Server {
    process: Process,
    container: Option<String>,
}

impl Server {
    pub(super) fn start(tool: Tool, settings: &BackendSettings, ports: &Chosen) -> Result<Self> {
        let variables = settings.variables(tool, ports);
        let (mut command, container) = match settings.origin(tool) {
            Origin::Path(program) | Origin::Built(program) => {
                let mut command = Command::new(program);
                command.env_clear();
                for name in ["PATH", "HOME", "TMPDIR"] {
                    command.envs(std::env::var_os(name).map(|value| (name, value)));
                }
                command.envs(variables);
                let configuration = tool.configuration();
                command.arg("--config").arg(&configuration);
                for file in settings.files(tool) {
                    command
                        .arg("--config")
                        .arg(configuration.with_file_name(file));
                }
                (command, None)
            }
            Origin::Docker(image) => {
                let name = container_name(tool);
                let mut command = docker_run(tool, &name, image, &variables, &ports.of(tool));
                let own = tool.configuration();
                let own = own.file_name().and_then(|name| name.to_str());
                for file in own.into_iter().chain(settings.files(tool)) {
                    command.args(["--config", &format!("{MOUNTED}/{file}")]);
                }
                (command, Some(name))
            }
        };
        let process = Process::start(tool.name(), &mut command)?;
        Ok(Self { process, container })
    }

    /// What it is called in messages.
    pub fn name(&self) -> &str {
        self.process.name()
    }

    /// The process, or the one of the container's client.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// What it has written.
    pub fn output(&self) -> &Output {
        self.process.output()
    }

    /// Ends it with SIGTERM and waits.
    ///
    /// # Errors
    /// When it has ended already, or not within `bound`; then it is killed.
    pub async fn terminate(&mut self, bound: Duration) -> Result<()> {
        // A container's client passes the signal on.
        self.process.terminate(bound).await.map(drop)
    }

    /// Ends it with SIGKILL and waits.
    ///
    /// # Errors
    /// When the system refuses.
    pub async fn kill(&mut self) -> Result<()> {
        if let Some(container) = self.container.take() {
            let mut remove = Command::new("docker");
            remove
                .args(["rm", "--force", &container])
                .stdout(Stdio::null());
            remove.status().await.context("docker rm")?;
        }
        self.process.kill().await.map(drop)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The client of a container can be killed without the container.
        let Some(container) = &self.container else {
            return;
        };
        if matches!(self.process.ended(), Ok(Some(_))) {
            return;
        }
        let removed = std::process::Command::new("docker")
            .args(["rm", "--force", container])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if removed.is_err() {
            eprintln!("the container {container} could not be removed: docker rm -f {container}");
        }
    }
}

fn container_name(tool: Tool) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("onetrace-{}-{}-{number}", tool.name(), std::process::id())
}

/// `docker run` up to the image, with its ports on this machine's loopback.
fn docker_run(
    tool: Tool,
    name: &str,
    image: &str,
    variables: &[(String, String)],
    ports: &[u16],
) -> Command {
    let files = tool.configuration();
    let files = files.parent().unwrap_or(&files);
    let mut command = Command::new("docker");
    command
        .args(["run", "--rm", "--name", name])
        .args(network(ports))
        .arg("--volume")
        .arg(format!("{}:{MOUNTED}:ro", files.display()));
    for (variable, value) in variables {
        command.arg("--env").arg(format!("{variable}={value}"));
    }
    command.arg(image);
    command
}

/// The engine's host is this machine on Linux. Elsewhere it is a virtual machine,
/// whose ports are published here, and which knows this machine by a name.
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
