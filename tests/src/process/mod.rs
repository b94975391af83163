//! A process that was started here, and of which nothing is left behind.

mod output;

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::watchdog::Watched;

pub use output::{Line, Output, Stream};

/// A running process, the leader of a process group of its own.
///
/// Ctrl-C in a terminal does not reach it: its owner ends it. It is killed when
/// this is dropped, and when the owner dies without dropping anything.
#[derive(Debug)]
pub struct Process {
    name: String,
    pid: u32,
    child: Child,
    output: Output,
    ended: Option<ExitStatus>,
    watched: Option<Watched>,
}

impl Process {
    /// Starts `command` with its output captured, called `name` in messages.
    ///
    /// # Errors
    /// When it cannot be started; the error names the program.
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
        let pid = child.id().context("it was just started")?;
        let watched = Watched::new(pid).context("cannot start sh, which watches over processes")?;
        let output = Output::of(child.stdout.take(), child.stderr.take());
        Ok(Self {
            name: name.to_owned(),
            pid,
            child,
            output,
            ended: None,
            watched: Some(watched),
        })
    }

    /// What it is called in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id; after its end, the one it had.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// What it has written so far.
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// How it ended; `None` while it runs.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        if self.ended.is_none()
            && let Some(status) = self.child.try_wait()?
        {
            self.has_ended(status);
        }
        Ok(self.ended)
    }

    /// Asks it to end, with SIGTERM, and does not wait.
    ///
    /// # Errors
    /// When it has ended already, or the signal cannot be sent.
    pub async fn ask_to_end(&mut self) -> Result<()> {
        if let Some(status) = self.ended()? {
            bail!("{} has ended already, with {status}", self.name);
        }
        // Only unsafe code can call kill(2), and every shell has a kill of its own.
        let kill = format!("kill -s TERM {}", self.pid);
        let sent = Command::new("sh").args(["-c", &kill]).status().await?;
        if !sent.success() {
            bail!("SIGTERM could not be sent to {}", self.name);
        }
        Ok(())
    }

    /// Waits for its end, and for the last of its output.
    ///
    /// # Errors
    /// When it still runs after `bound`; it is left running.
    pub async fn wait(&mut self, bound: Duration) -> Result<ExitStatus> {
        if let Some(status) = self.ended {
            return Ok(status);
        }
        let Ok(status) = timeout(bound, self.child.wait()).await else {
            bail!("{} still runs after {bound:?}", self.name);
        };
        let status = status?;
        self.has_ended(status);
        self.output.complete().await;
        Ok(status)
    }

    /// Ends it with SIGTERM and waits.
    ///
    /// # Errors
    /// When it has ended already, or not within `bound`; then it is killed.
    pub async fn terminate(&mut self, bound: Duration) -> Result<ExitStatus> {
        self.ask_to_end().await?;
        match self.wait(bound).await {
            Ok(status) => Ok(status),
            Err(late) => {
                self.kill().await?;
                Err(late.context(format!(
                    "SIGTERM did not end {}; it was killed\n{}",
                    self.name,
                    self.output.report()
                )))
            }
        }
    }

    /// Ends it with SIGKILL and waits: it cannot clean up after itself.
    ///
    /// # Errors
    /// When the system refuses.
    pub async fn kill(&mut self) -> Result<ExitStatus> {
        if let Some(status) = self.ended()? {
            return Ok(status);
        }
        self.child.start_kill()?;
        self.wait(Duration::from_secs(10)).await
    }

    /// An error if it has ended, with how and what it wrote last.
    ///
    /// # Errors
    /// When it has ended.
    pub async fn must_run(&mut self) -> Result<()> {
        if let Some(status) = self.ended()? {
            self.output.complete().await;
            bail!(
                "{} ended by itself, with {status}\n{}",
                self.name,
                self.output.report()
            );
        }
        Ok(())
    }

    /// Resolves when it ends, for `select!`.
    ///
    /// # Errors
    /// When the system does not say.
    pub async fn end(&mut self) -> Result<ExitStatus> {
        let status = self.child.wait().await?;
        self.has_ended(status);
        self.output.complete().await;
        Ok(status)
    }

    fn has_ended(&mut self, status: ExitStatus) {
        self.ended = Some(status);
        // Its number may soon be another process's.
        self.watched = None;
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    const BOUND: Duration = Duration::from_secs(10);

    fn shell(script: &str) -> Process {
        Process::start("a script", Command::new("sh").args(["-c", script])).unwrap()
    }

    #[tokio::test]
    async fn output_is_captured_by_stream_and_complete_at_the_end() {
        let mut process = shell("echo out; echo err >&2; printf last");
        assert!(process.wait(BOUND).await.unwrap().success());
        assert_eq!(process.output().texts(Stream::Stdout), ["out", "last"]);
        assert_eq!(process.output().texts(Stream::Stderr), ["err"]);
    }

    #[tokio::test]
    async fn terminate_lets_a_process_clean_up() {
        let mut process =
            shell("trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.01; done");
        process
            .output()
            .wait_for_line("up", BOUND, |line| line == "up")
            .await
            .unwrap();
        let status = process.terminate(BOUND).await.unwrap();
        assert_eq!(status.code(), Some(7), "the script's own status");
        assert_eq!(process.output().texts(Stream::Stdout), ["up", "bye"]);
    }

    #[tokio::test]
    async fn a_process_that_does_not_end_is_killed_and_its_output_shown() {
        let mut process = shell("trap '' TERM; echo stubborn; while :; do sleep 0.01; done");
        process
            .output()
            .wait_for_line("its start", BOUND, |line| line == "stubborn")
            .await
            .unwrap();
        let error = process
            .terminate(Duration::from_millis(50))
            .await
            .unwrap_err();
        assert!(format!("{error:#}").contains("stubborn"), "{error:#}");
        assert_eq!(process.ended().unwrap().and_then(|it| it.signal()), Some(9));
    }

    #[tokio::test]
    async fn nothing_is_left_after_a_drop() {
        let process = shell("while :; do sleep 0.01; done");
        let pid = process.pid();
        drop(process);
        crate::wait::until("the dropped process to end", BOUND, async || {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
            match stat {
                Ok(stat) if !stat.contains(") Z ") => Err(stat),
                _ => Ok(()),
            }
        })
        .await
        .unwrap();
    }

    #[tokio::test]
    async fn a_crash_is_told_with_what_it_wrote() {
        let mut process = shell("echo 'no such file' >&2; exit 3");
        process.end().await.unwrap();
        let error = process.must_run().await.unwrap_err().to_string();
        assert!(
            error.contains("exit status: 3") && error.contains("no such file"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_named() {
        let error = Process::start("ghost", &mut Command::new("/no/such/program")).unwrap_err();
        assert!(error.to_string().contains("/no/such/program"), "{error}");
    }
}
