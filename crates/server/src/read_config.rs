//! Reads the complete configuration before anything starts, and reports all its
//! errors together.

use std::process;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches};
use telemetry::ServiceInfo;

/// A service's own configuration.
pub trait ServiceConfig: CommandFactory + FromArgMatches {
    /// Errors that a single value cannot show, such as values that do not fit
    /// together.
    fn problems(&self) -> Vec<String>;
}

/// Reads flags, environment variables and the `OTEL_*` variables.
///
/// Handles `--help` and `--version`. If the configuration is invalid, writes all
/// errors to standard error and exits with status 2 (usage error).
pub fn read_config<C: ServiceConfig>(service: ServiceInfo) -> (C, telemetry::Config) {
    let command = C::command()
        .name(service.name)
        .version(service.version)
        .after_long_help(telemetry_help());
    let config = command
        .try_get_matches()
        .and_then(|matches| C::from_arg_matches(&matches));
    if let Err(error) = &config
        && matches!(
            error.kind(),
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
        )
    {
        error.exit();
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
        _ => exit_with(service.name, &problems),
    }
}

/// clap's message, without the credentials and the query of a URL: clap repeats
/// the invalid value.
fn without_secrets(error: &clap::Error) -> String {
    let message = error.to_string();
    let message = match error.get(ContextKind::InvalidValue) {
        Some(ContextValue::String(value)) => {
            message.replace(value, &telemetry::config::without_secrets(value))
        }
        _ => message,
    };
    message.trim_end().to_owned()
}

fn exit_with(service: &str, problems: &[String]) -> ! {
    const USAGE_ERROR: i32 = 2;
    eprintln!("{service}: invalid configuration:");
    for problem in problems {
        eprintln!("{problem}");
    }
    process::exit(USAGE_ERROR);
}

/// The telemetry variables, for `--help`.
fn telemetry_help() -> String {
    let variables = telemetry::config::VARIABLES.iter();
    let lines = variables.map(|(name, meaning)| format!("  {name}\n          {meaning}\n"));
    format!(
        "Telemetry (environment only):\n{}",
        lines.collect::<String>()
    )
}
