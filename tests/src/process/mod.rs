//! Child processes that never outlive the test that started them.

mod memory;
mod output;
#[cfg(test)]
mod tests;

use std::ffi::OsStr;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, kill_process};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::wait;
use crate::watchdog::Watched;

pub use memory::resident_memory;
pub use output::{Output, Reading};
pub use rustix::process::Signal;

/// How long SIGKILL may take.
const KILL_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to read the output of a process that has exited: a grandchild may keep a stream
/// open.
const OUTPUT_TIMEOUT: Duration = Duration::from_secs(1);

/// A child process, the leader of a process group of its own.
///
/// Ctrl-C in a terminal does not reach it; its owner must stop it. It is killed when this is
/// dropped, and also when the owner dies without dropping anything.
#[derive(Debug)]
pub struct Process {
    name: String,
    pid: u32,
    child: Child,
    output: Output,
    readers: JoinSet<()>,
    status: Option<ExitStatus>,
    watched: Option<Watched>,
}

/// A command that gets only these variables of our environment: what a test configures is
/// then complete.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    for name in ["PATH", "HOME", "TMPDIR", "LLVM_PROFILE_FILE"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    command
}

impl Process {
    /// Starts `command` and captures its output. Messages call it `name`.
    ///
    /// # Errors
    /// If it cannot be started; the error names the program.
    pub fn start(name: &str, command: &mut Command) -> Result<Self> {
        let program = command.as_std().get_program().to_owned();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {name} ({})", program.display()))?;
        let pid = child.id().context("a new child has a process id")?;
        let watched = Watched::new(pid).context("cannot start sh for the watchdog")?;
        let output = Output::default();
        let mut readers = JoinSet::new();
        if let Some(stdout) = child.stdout.take() {
            readers.spawn(output.clone().read(stdout));
        }
        if let Some(stderr) = child.stderr.take() {
            readers.spawn(output.clone().read(stderr));
        }
        Ok(Self {
            name: name.to_owned(),
            pid,
            child,
            output,
            readers,
            status: None,
            watched: Some(watched),
        })
    }

    /// Its name in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id, also after its exit.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Its output so far.
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// Its exit status; `None` while it runs.
    ///
    /// # Errors
    /// If the operating system cannot report it.
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>> {
        if self.status.is_none()
            && let Some(status) = self.child.try_wait()?
        {
            self.exited(status);
        }
        Ok(self.status)
    }

    /// Returns an error with the status and the last output if it has exited.
    ///
    /// # Errors
    /// If it has exited.
    pub async fn ensure_running(&mut self) -> Result<()> {
        if self.try_wait()?.is_some() {
            bail!(self.unexpected_exit().await?);
        }
        Ok(())
    }

    /// Waits until it exits unexpectedly; returns its name, status and last output.
    ///
    /// # Errors
    /// If the operating system cannot report it.
    pub async fn unexpected_exit(&mut self) -> Result<String> {
        let status = self.wait_for_exit().await?;
        let (name, output) = (&self.name, self.output.report());
        Ok(format!(
            "{name} exited unexpectedly, with {status}\n{output}"
        ))
    }

    /// Waits until a `GET` of `url` succeeds.
    ///
    /// # Errors
    /// If it does not within `bound`, or the process exits; with its last output.
    pub async fn wait_until_ready(&mut self, url: &str, bound: Duration) -> Result<()> {
        let what = format!("{} to be ready at {url}", self.name);
        let ready = wait::until(&what, bound, async || {
            if let Err(exited) = self.ensure_running().await {
                return Ok(Err(exited));
            }
            wait::http_ok(url).await.map(Ok)
        });
        match ready.await {
            Ok(outcome) => outcome,
            Err(late) => bail!("{late}\n{}", self.output.report()),
        }
    }

    /// Sends a signal and does not wait.
    ///
    /// # Errors
    /// If the process has exited.
    pub fn signal(&mut self, signal: Signal) -> Result<()> {
        if let Some(status) = self.try_wait()? {
            bail!("{} has already exited, with {status}", self.name);
        }
        let pid = Pid::from_raw(self.pid.cast_signed()).context("a child's process id is not 0")?;
        kill_process(pid, signal).with_context(|| format!("cannot send a signal to {}", self.name))
    }

    /// Waits for its exit and for the rest of its output.
    ///
    /// # Errors
    /// If it still runs after `bound`; it is not stopped then.
    pub async fn wait(&mut self, bound: Duration) -> Result<ExitStatus> {
        match timeout(bound, self.wait_for_exit()).await {
            Ok(status) => status,
            Err(_) => bail!("{} still runs after {bound:?}", self.name),
        }
    }

    /// Waits for its exit and for the rest of its output, without a time limit.
    ///
    /// # Errors
    /// If the operating system cannot report it.
    pub async fn wait_for_exit(&mut self) -> Result<ExitStatus> {
        let status = self.child.wait().await?;
        self.exited(status);
        self.read_rest().await;
        Ok(status)
    }

    /// Sends SIGTERM and waits for its exit.
    ///
    /// # Errors
    /// If it has already exited, or does not within `bound`; then it is killed.
    pub async fn terminate(&mut self, bound: Duration) -> Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        match self.wait(bound).await {
            Ok(status) => Ok(status),
            Err(late) => {
                self.kill().await?;
                Err(late.context(format!(
                    "{} did not exit after SIGTERM and was killed\n{}",
                    self.name,
                    self.output.report()
                )))
            }
        }
    }

    /// Sends SIGKILL, unless it has exited, and waits for its exit.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub async fn kill(&mut self) -> Result<ExitStatus> {
        if let Some(status) = self.try_wait()? {
            return Ok(status);
        }
        self.child.start_kill()?;
        self.wait(KILL_TIMEOUT).await
    }

    async fn read_rest(&mut self) {
        let read = async { while self.readers.join_next().await.is_some() {} };
        let _ = timeout(OUTPUT_TIMEOUT, read).await;
    }

    fn exited(&mut self, status: ExitStatus) {
        self.status = Some(status);
        // Another process may get the same id.
        self.watched = None;
    }
}
