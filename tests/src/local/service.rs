//! One service as a process.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::accounting::SpanCounts;
use crate::client;
use crate::process::{self, Output, Process};
use crate::wait;

/// How long a service may take to become ready.
const READY_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a service may take to exit: a little more than its own shutdown timeout.
const EXIT_TIMEOUT: Duration = Duration::from_secs(30);

/// A service that runs, or has run.
#[derive(Debug)]
pub struct Service {
    http: SocketAddr,
    admin: SocketAddr,
    process: Process,
}

impl Service {
    pub(super) fn start(
        name: &str,
        program: &Path,
        [http, admin]: [u16; 2],
        variables: Vec<(String, String)>,
    ) -> Result<Self> {
        let address = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let (http, admin) = (address(http), address(admin));
        let mut command = process::command(program);
        command
            .env("RUST_BACKTRACE", "1")
            .env("HTTP_ADDR", http.to_string())
            .env("ADMIN_ADDR", admin.to_string())
            .envs(variables);
        let process = Process::start(name, &mut command)?;
        Ok(Self {
            http,
            admin,
            process,
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.process.name()
    }

    /// The URL of its HTTP API, as `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.http)
    }

    /// The URL of its admin port, as `http://127.0.0.1:PORT`.
    pub fn admin_url(&self) -> String {
        format!("http://{}", self.admin)
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Its output so far.
    pub fn output(&self) -> &Output {
        self.process.output()
    }

    /// Its process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Its log: every line of its output that is JSON.
    pub fn log(&self) -> Vec<Value> {
        let lines = self.output().lines();
        let lines = lines.iter().map(|line| serde_json::from_str(line));
        lines.filter_map(Result::ok).collect()
    }

    /// Its span counts now.
    ///
    /// # Errors
    /// If it does not return them.
    pub async fn spans(&self) -> Result<SpanCounts> {
        SpanCounts::fetch(&self.admin_url()).await
    }

    /// Waits until no span is pending, and returns the span counts.
    ///
    /// # Errors
    /// If some spans are still pending after `timeout`.
    pub async fn wait_until_exported(&self, timeout: Duration) -> Result<SpanCounts> {
        let what = format!("{} to export all spans", self.name());
        wait::until(&what, timeout, async || self.all_exported().await).await
    }

    pub(super) async fn all_exported(&self) -> Result<SpanCounts> {
        let counts = self.spans().await?;
        ensure!(counts.pending() == 0, "{}: {counts}", self.name());
        Ok(counts)
    }

    /// Sets the faults of a service that has `FAULTS=true`: a JSON object such as
    /// `{"delay": "1s"}`.
    ///
    /// # Errors
    /// If it does not accept them.
    pub async fn set_faults(&self, faults: &str) -> Result<()> {
        let url = format!("{}/faults", self.admin_url());
        let request = client()
            .post(&url)
            .header("content-type", "application/json")
            .body(faults.to_owned());
        let status = request.send().await?.status();
        ensure!(
            status.is_success(),
            "{url} must accept {faults}, but it returned {status}"
        );
        Ok(())
    }

    /// The span counts in the last log line of a service that has exited.
    ///
    /// # Errors
    /// If its last line has none.
    pub fn final_counts(&self) -> Result<SpanCounts> {
        let last = self.log().pop().context("the log is empty");
        last.and_then(|last| SpanCounts::from_final_log(&last))
            .with_context(|| format!("{} logged\n{}", self.name(), self.output().report()))
    }

    /// Sends SIGTERM and waits for its exit; its output is then complete.
    ///
    /// # Errors
    /// If it has already exited, or does not within 30 seconds; then it is killed.
    pub async fn terminate(&mut self) -> Result<ExitStatus> {
        self.process.terminate(EXIT_TIMEOUT).await
    }

    /// Sends SIGKILL and waits for its exit.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub async fn kill(&mut self) -> Result<ExitStatus> {
        self.process.kill().await
    }

    pub(super) async fn wait_until_ready(&mut self) -> Result<()> {
        let url = format!("{}/readyz", self.admin_url());
        self.process.wait_until_ready(&url, READY_TIMEOUT).await
    }
}
