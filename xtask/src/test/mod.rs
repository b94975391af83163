//! `test`: runs everything that needs no cluster, and counts the results.
//!
//! It runs `cargo test`, not cargo-nextest, because the README's first commands need
//! only Rust.

mod group;
mod tally;

use std::path::PathBuf;
use std::process::Stdio;

use ::tests::{local, skip};
use anyhow::{Context, Result, bail};
use clap::Args;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::console;
use crate::interrupt::Interrupts;
use crate::program;
use group::Group;
use tally::Skipped;

pub(crate) use tally::Tally;

/// Run every test that needs no cluster
///
/// Builds the services, then runs `cargo test`. The last line is `N passed, N failed,
/// N skipped`. A test that needs a real Collector or Jaeger is skipped if they are not
/// available, and listed with the reason. With `ONETRACE_REQUIRE=collector,jaeger` it
/// fails instead.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Arguments for cargo test, such as `-p hello` or the name of a test
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
        bail!("cargo test failed, but no test did: see above");
    }
    Ok(success && tally.failed() == 0)
}

/// Builds and runs the tests. Returns their counts, and whether cargo succeeded.
async fn test(arguments: &[String], skipped: &SkippedFile) -> Result<(Tally, bool)> {
    // One build of services and tests, so that nothing is built twice. The tests then
    // use the services from the directory of this build.
    console::progress("building the services and all tests");
    let built = local::build(&["--workspace", "--bins", "--tests"]).await?;
    let programs = built.get("gateway").and_then(|program| program.parent());
    let programs = programs.context("cargo built no program gateway")?;
    let mut test = program::cargo(["test", "--no-fail-fast"]);
    if !chooses_packages(arguments) {
        test.arg("--workspace");
    }
    test.args(arguments).env(local::DIRECTORY, programs);
    count(test, skipped).await
}

/// Runs a `cargo test`. Returns the counts of its tests, and whether it succeeded.
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
    group.has_exited();
    Ok((tally, status.success()))
}

fn chooses_packages(arguments: &[String]) -> bool {
    let chooses =
        |argument: &String| argument.starts_with("-p") || argument.starts_with("--package");
    arguments.iter().any(chooses)
}

/// The file to which tests add that they were skipped. Removed when dropped.
pub(crate) struct SkippedFile {
    path: PathBuf,
}

impl SkippedFile {
    /// Creates an empty file.
    pub(crate) fn new() -> Result<Self> {
        let name = format!("onetrace-skipped-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, "").with_context(|| path.display().to_string())?;
        Ok(Self { path })
    }

    /// The tests that were skipped so far.
    pub(crate) fn read(&self) -> Result<Vec<Skipped>> {
        let text = std::fs::read_to_string(&self.path)?;
        Ok(text.lines().filter_map(Skipped::parse).collect())
    }
}

impl Drop for SkippedFile {
    fn drop(&mut self) {
        // A file that stays in the temporary directory does no harm.
        let _ = std::fs::remove_file(&self.path);
    }
}
