//! What main does before anything runs: read every setting, and say all that
//! is wrong with them at once.

use std::fmt::Write as _;
use std::process;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches};
use telemetry::ServiceInfo;

/// A service's own settings.
pub trait Config: CommandFactory + FromArgMatches {
    /// What is wrong with the settings taken together, or with what they name.
    fn problems(&self) -> Vec<String>;
}

/// Reads flags, environment and the `OTEL_*` variables.
///
/// Answers `--help` and `--version`. Settings that cannot be used are all
/// written to standard error, and the process ends with status 2 (usage).
pub fn settings<C: Config>(service: ServiceInfo) -> (C, telemetry::Config) {
    let command = C::command()
        .name(service.name)
        .version(service.version)
        .after_long_help(variables());
    let config = command
        .try_get_matches()
        .and_then(|matches| C::from_arg_matches(&matches));
    if let Err(asked) = &config
        && matches!(
            asked.kind(),
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
        )
    {
        asked.exit();
    }
    let telemetry = telemetry::Config::from_env(service);
    let mut problems = match &config {
        Ok(config) => config.problems(),
        Err(error) => vec![without_secrets(error)],
    };
    if let Err(error) = &telemetry {
        problems.extend(error.problems().iter().map(ToString::to_string));
    }
    match (config, telemetry) {
        (Ok(config), Ok(telemetry)) if problems.is_empty() => (config, telemetry),
        _ => refuse(service.name, &problems),
    }
}

/// What clap says of a value that it refuses, without the credentials and the
/// query of a URL: clap repeats the value.
fn without_secrets(error: &clap::Error) -> String {
    let said = error.to_string();
    let shown = match error.get(ContextKind::InvalidValue) {
        Some(ContextValue::String(value)) => {
            said.replace(value.as_str(), &telemetry::config::without_secrets(value))
        }
        _ => said,
    };
    shown.trim_end().to_owned()
}

fn refuse(service: &str, problems: &[String]) -> ! {
    const USAGE: i32 = 2;
    eprintln!("{service} cannot start with these settings:");
    for problem in problems {
        eprintln!("{problem}");
    }
    process::exit(USAGE);
}

/// The telemetry variables, as `--help` lists them.
fn variables() -> String {
    let mut text = String::from("Telemetry (environment only):\n");
    for (name, meaning) in telemetry::config::VARIABLES {
        write!(text, "  {name}\n          {meaning}\n").expect("a String takes everything");
    }
    text
}
