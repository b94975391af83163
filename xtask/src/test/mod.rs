//! `test`: everything that needs no cluster, by plain `cargo test`.

mod group;
mod tally;

use std::path::PathBuf;
use std::process::Stdio;

use ::tests::{local, skip, workspace};
use anyhow::{Context, Result, bail};
use clap::Args;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::console;
use crate::interrupt::Interrupts;
use group::Group;
use tally::Skipped;

pub(crate) use tally::Tally;

/// Run every test that needs no cluster; the last line counts them
///
/// Builds the services, then runs `cargo test`. The last line is `N passed, N
/// failed, N skipped`. A test that needs the real Collector or Jaeger is skipped
/// where they are not at hand, and named with the reason, unless
/// `ONETRACE_REQUIRE=collector,jaeger` says that they must be.
#[derive(Args)]
pub(crate) struct Arguments {
    /// For cargo test, such as `-p hello` or a test's name
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

pub(crate) async fn run(arguments: Arguments, mut interrupts: Interrupts) -> Result<bool> {
    let skipped = SkippedFile::new()?;
    let test = test(&arguments.arguments, &skipped);
    let (mut tally, success) = interrupts.or(test).await?;
    tally.skip(skipped.read()?);
    print!("\n{}", tally.report());
    if !success && tally.failed() == 0 {
        bail!("cargo test failed before or beside the tests: see above");
    }
    Ok(success && tally.failed() == 0)
}

/// Runs the tests; says what they counted, and whether cargo succeeded.
async fn test(arguments: &[String], skipped: &SkippedFile) -> Result<(Tally, bool)> {
    // In one go with the tests, so that nothing is built twice; then the tests
    // find the services' programs as they are.
    console::progress("building the services and all tests");
    let built = local::build(&["--workspace", "--bins", "--tests"]).await?;
    let programs = built.get("gateway").and_then(|program| program.parent());
    let programs = programs.context("the build has made no gateway")?;
    let mut test = cargo(&["test", "--no-fail-fast"]);
    if !chooses_packages(arguments) {
        test.arg("--workspace");
    }
    test.args(arguments).env(local::DIRECTORY, programs);
    count(test, skipped).await
}

/// Runs a `cargo test`; says what its tests counted, and whether it succeeded.
pub(crate) async fn count(mut test: Command, skipped: &SkippedFile) -> Result<(Tally, bool)> {
    let mut child = test
        .env(skip::SKIPPED_FILE, &skipped.path)
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .context("cargo test")?;
    let group = Group::of(&child)?;
    let stdout = child.stdout.take().context("the output of cargo test")?;
    let mut lines = BufReader::new(stdout).lines();
    let mut tally = Tally::default();
    while let Some(line) = lines.next_line().await? {
        println!("{line}");
        tally.read(&line);
    }
    let status = child.wait().await?;
    group.has_ended();
    Ok((tally, status.success()))
}

fn chooses_packages(arguments: &[String]) -> bool {
    let chooses =
        |argument: &String| argument.starts_with("-p") || argument.starts_with("--package");
    arguments.iter().any(chooses)
}

/// A call of cargo at the root of this repository, ended when it is dropped.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(workspace())
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    cargo
}

/// Where tests note that they were skipped; removed at the end.
pub(crate) struct SkippedFile {
    path: PathBuf,
}

impl SkippedFile {
    /// An empty one.
    pub(crate) fn new() -> Result<Self> {
        let name = format!("onetrace-skipped-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, "").with_context(|| path.display().to_string())?;
        Ok(Self { path })
    }

    /// What has been noted.
    pub(crate) fn read(&self) -> Result<Vec<Skipped>> {
        let text = std::fs::read_to_string(&self.path)?;
        Ok(text.lines().filter_map(Skipped::parse).collect())
    }
}

impl Drop for SkippedFile {
    fn drop(&mut self) {
        // It is in the directory for such files; nobody misses it.
        let _ = std::fs::remove_file(&self.path);
    }
}
