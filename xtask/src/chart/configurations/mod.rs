//! Checks the configuration of each Collector and Jaeger in a manifest with the program of
//! the image that runs it. An image contains only some components, and each component
//! accepts only its own settings.

pub(super) mod container;

use std::collections::BTreeSet;
use std::fs;

use ::tests::workspace;
use anyhow::{Context, Result};

use crate::console;
use crate::program::{self, command};
use container::Container;

/// Images, by the end of their repository, and the names of their program.
const PROGRAMS: [(&str, &[&str]); 3] = [
    ("/opentelemetry-collector-k8s", &["otelcol-k8s"]),
    (
        "/opentelemetry-collector-contrib",
        &["otelcol-contrib", "otelcol"],
    ),
    ("/jaeger", &["jaeger"]),
];
const SCRATCH: &str = "target/chart-configuration";
/// The number of lines of an error that are shown.
const MAX_LINES: usize = 5;

/// Validates every configuration in these manifests, each with a name. Returns the invalid
/// ones. Prints how many were validated, and which were skipped because their program is
/// not installed in the version of the image.
pub(super) async fn problems(manifests: &[(String, String)]) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    let mut skipped = BTreeSet::new();
    let mut validated: Vec<Container> = Vec::new();
    for (values, manifest) in manifests {
        for container in container::all(manifest)? {
            if validated.contains(&container) {
                continue;
            }
            match validate(&container).await? {
                Outcome::Valid => validated.push(container),
                Outcome::Skipped(why) => {
                    skipped.insert(why);
                }
                Outcome::Invalid(error) => {
                    problems.push(format!(
                        "the chart with {values}: {}: {error}",
                        container.workload
                    ));
                }
            }
        }
    }
    for why in &skipped {
        println!("skipped the validation of configurations: {why}");
    }
    console::progress(format!(
        "{} configurations of Collectors and Jaeger are valid, {} invalid; {} images skipped",
        validated.len(),
        problems.len(),
        skipped.len()
    ));
    Ok(problems)
}

/// The result of a validation.
pub(super) enum Outcome {
    Valid,
    /// With the error.
    Invalid(String),
    /// With the reason.
    Skipped(String),
}

/// Validates the configuration of one container.
pub(super) async fn validate(container: &Container) -> Result<Outcome> {
    let (repository, version) = container.image();
    let programs = PROGRAMS.iter().find(|(end, _)| repository.ends_with(end));
    let Some((_, programs)) = programs else {
        return Ok(Outcome::Skipped(format!(
            "{}: its program is not known",
            container.image
        )));
    };
    let Some(program) = programs.iter().find(|name| program::is_installed(name)) else {
        return Ok(Outcome::Skipped(format!(
            "{}: {} is not on PATH",
            container.image,
            programs.join(" or ")
        )));
    };
    let shown = program::output(command(program, ["--version"])).await?;
    if !shown.contains(version) {
        return Ok(Outcome::Skipped(format!(
            "{}: the installed {program} is {shown}",
            container.image
        )));
    }
    let directory = workspace().join(SCRATCH);
    if directory.exists() {
        fs::remove_dir_all(&directory).context(SCRATCH)?;
    }
    let arguments = container.write(&directory).context(SCRATCH)?;
    let mut validate = command(program, ["validate"]);
    validate
        .args(arguments)
        .env_clear()
        .envs(container.environment.iter().cloned());
    if let Some(path) = std::env::var_os("PATH") {
        validate.env("PATH", path);
    }
    let output = validate.output().await.context(*program)?;
    if output.status.success() {
        return Ok(Outcome::Valid);
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let first: Vec<_> = stderr.lines().take(MAX_LINES).collect();
    Ok(Outcome::Invalid(first.join("\n  ")))
}
