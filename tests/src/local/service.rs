//! One service as a process.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::process::Command;

use crate::accounting::Spans;
use crate::process::{Output, Process, Stream};
use crate::wait;

/// How long a service may take to be ready.
const READY_WITHIN: Duration = Duration::from_secs(20);
/// How long its end may take unless a caller says otherwise: a little more than
/// the services' own bound.
const END_WITHIN: Duration = Duration::from_secs(30);

/// How a service is started, and started again.
#[derive(Clone, Debug)]
pub(super) struct Launch {
    pub(super) name: String,
    pub(super) program: PathBuf,
    pub(super) http: u16,
    pub(super) admin: u16,
    pub(super) variables: Vec<(String, String)>,
}

/// A service that runs, or ran.
#[derive(Debug)]
pub struct Service {
    launch: Launch,
    process: Process,
}

impl Service {
    pub(super) fn start(launch: Launch) -> Result<Self> {
        let process = launch.start()?;
        Ok(Self { launch, process })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.launch.name
    }

    /// The public API's address, as `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", address(self.launch.http))
    }

    /// The admin port's address, as `http://127.0.0.1:PORT`.
    pub fn admin_url(&self) -> String {
        format!("http://{}", address(self.launch.admin))
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// What it has written.
    pub fn output(&self) -> &Output {
        self.process.output()
    }

    /// The process behind it.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Its log: every line of standard output that is JSON.
    pub fn log(&self) -> Vec<Value> {
        let lines = self.output().texts(Stream::Stdout);
        let lines = lines.iter().map(|line| serde_json::from_str(line));
        lines.filter_map(Result::ok).collect()
    }

    /// What it says became of its spans.
    ///
    /// # Errors
    /// When it does not answer with the figures.
    pub async fn spans(&self) -> Result<Spans> {
        Spans::of(&self.admin_url()).await
    }

    /// Waits until `/readyz` answers 200.
    ///
    /// # Errors
    /// When it does not in time, or the service has ended; with its output.
    pub async fn wait_until_ready(&mut self) -> Result<()> {
        let url = format!("{}/readyz", self.admin_url());
        let what = format!("{} to be ready at {url}", self.launch.name);
        let process = &mut self.process;
        let ready = wait::until(&what, READY_WITHIN, async || {
            if let Err(ended) = process.must_run().await {
                return Ok(Err(ended));
            }
            wait::answers(&url).await.map(Ok)
        });
        match ready.await {
            Ok(outcome) => outcome,
            Err(late) => bail!("{late}\n{}", self.output().report()),
        }
    }

    /// Ends it with SIGTERM and waits; its output is complete then.
    ///
    /// # Errors
    /// When it has ended already, or not within 30 seconds; then it is killed.
    pub async fn terminate(&mut self) -> Result<ExitStatus> {
        self.process.terminate(END_WITHIN).await
    }

    /// Sends SIGTERM and does not wait.
    ///
    /// # Errors
    /// When it has ended already.
    pub async fn ask_to_end(&mut self) -> Result<()> {
        self.process.ask_to_end().await
    }

    /// Ends it with SIGKILL and waits.
    ///
    /// # Errors
    /// When the system refuses.
    pub async fn kill(&mut self) -> Result<ExitStatus> {
        self.process.kill().await
    }

    /// Starts it again on the same ports, after its end, and waits until it is ready.
    ///
    /// # Errors
    /// When it still runs, or does not become ready.
    pub async fn start_again(&mut self) -> Result<()> {
        if self.process.ended()?.is_none() {
            bail!("{} still runs: end it first", self.launch.name);
        }
        self.process = self.launch.start()?;
        self.wait_until_ready().await
    }

    /// An error with its output if it has ended.
    ///
    /// # Errors
    /// When it has ended.
    pub async fn must_run(&mut self) -> Result<()> {
        self.process.must_run().await
    }

    /// Whether it ended because a port of its own was taken.
    pub(super) fn lost_its_port(&mut self) -> bool {
        let ended = self.process.ended();
        ended.is_ok_and(|it| it.is_some()) && self.output().text().contains("cannot listen on")
    }
}

impl Launch {
    fn start(&self) -> Result<Process> {
        let mut command = Command::new(&self.program);
        command.env_clear();
        for name in ["PATH", "HOME", "TMPDIR", "LLVM_PROFILE_FILE"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command
            .env("RUST_BACKTRACE", "1")
            .env("HTTP_ADDR", address(self.http).to_string())
            .env("ADMIN_ADDR", address(self.admin).to_string())
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        Process::start(&self.name, &mut command).context("the system under test")
    }
}

fn address(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}
