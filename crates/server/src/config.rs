//! How a service serves: flags and environment variables that every service
//! shares, with their defaults.

use std::time::Duration;

use clap::{ArgAction, Args};

/// Limits and times of a service's two listeners. Flatten it into the
/// service's own arguments with `#[command(flatten)]`.
///
/// Durations are written `250ms`, `5s`, `1m 30s`.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Serving")]
// clap names groups after the struct; a service's own is `Config`, too.
#[group(id = "server")]
pub struct Config {
    /// After the signal to stop: how long to serve on until nobody sends anything new
    #[arg(long, env = "DRAIN_DELAY", default_value = "5s", value_parser = duration, hide_env_values = true)]
    pub drain_delay: Duration,

    /// Whether /readyz stays ready through that delay. Right where the platform itself takes a
    /// stopping instance out, as Kubernetes does: there, one that is not ready gets nothing even
    /// where it is the last. Elsewhere a balancer has to learn from /readyz
    #[arg(long, env = "DRAIN_READY", default_value_t = false, action = ArgAction::Set, hide_env_values = true)]
    pub drain_ready: bool,

    /// After that: how long requests in flight may take to end
    #[arg(long, env = "DRAIN_TIMEOUT", default_value = "15s", value_parser = duration, hide_env_values = true)]
    pub drain_timeout: Duration,

    /// From the signal to the exit: what drain and delay leave of it is for exporting the last spans.
    /// Keep it below the pod's terminationGracePeriodSeconds
    #[arg(long, env = "SHUTDOWN_TIMEOUT", default_value = "25s", value_parser = duration, hide_env_values = true)]
    pub shutdown_timeout: Duration,

    /// The time that the head of a request may take to come in
    #[arg(long, env = "HEADER_TIMEOUT", default_value = "10s", value_parser = positive, hide_env_values = true)]
    pub header_timeout: Duration,

    /// The time that the body of a request may take to come in
    #[arg(long, env = "BODY_TIMEOUT", default_value = "30s", value_parser = positive, hide_env_values = true)]
    pub body_timeout: Duration,

    /// How long a connection may be idle or stuck. Keep it above the clients' own (90s for reqwest),
    /// or they send a request on a connection that is being closed
    #[arg(long, env = "IDLE_TIMEOUT", default_value = "120s", value_parser = positive, hide_env_values = true)]
    pub idle_timeout: Duration,

    /// The age, give or take a tenth, past which a connection's next answer asks the client to open
    /// another: so a new replica gets its share from clients that keep their connections
    #[arg(long, env = "MAX_CONNECTION_AGE", default_value = "5m", value_parser = positive, hide_env_values = true)]
    pub max_connection_age: Duration,

    /// The largest request body, in bytes
    #[arg(
        long,
        env = "MAX_BODY",
        default_value_t = 1024 * 1024,
        hide_env_values = true
    )]
    pub max_body: usize,

    /// Connections that a listener serves at once; more wait to be accepted
    #[arg(long, env = "MAX_CONNECTIONS", default_value = "8192", value_parser = connections, hide_env_values = true)]
    pub max_connections: u32,
}

impl Config {
    /// The least that `SHUTDOWN_TIMEOUT` keeps beside delay and drain: for the
    /// admin port to end and the last spans to be exported.
    pub const LEAST_REST: Duration = Duration::from_secs(2);

    /// What is wrong with the settings taken together.
    pub fn problems(&self) -> Vec<String> {
        let needed = self.drain_delay + self.drain_timeout + Self::LEAST_REST;
        if self.shutdown_timeout >= needed {
            return Vec::new();
        }
        let write = humantime::format_duration;
        vec![format!(
            "SHUTDOWN_TIMEOUT={} is too short: DRAIN_DELAY ({}), DRAIN_TIMEOUT ({}) and {} for the last spans need {}",
            write(self.shutdown_timeout),
            write(self.drain_delay),
            write(self.drain_timeout),
            write(Self::LEAST_REST),
            write(needed),
        )]
    }
}

/// Parses `250ms`, `5s`, `1m 30s`, `0s`, for clap's `value_parser`.
///
/// # Errors
/// A text that says what would be right.
pub fn duration(text: &str) -> Result<Duration, String> {
    const LONGEST: Duration = Duration::from_hours(24);
    let remedy = "write a duration with its unit, as in 250ms, 5s or 1m";
    let duration = humantime::parse_duration(text).map_err(|error| format!("{error}; {remedy}"))?;
    if duration > LONGEST {
        return Err("a day is the longest that there is".to_owned());
    }
    Ok(duration)
}

/// Parses a [`duration`] that must not be zero.
///
/// # Errors
/// A text that says what would be right.
pub fn positive(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("it must be longer than zero".to_owned()),
        duration => Ok(duration),
    }
}

fn connections(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(number @ 1..=1_000_000) => Ok(number),
        _ => Err("write a number from 1 to 1000000".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        config: Config,
    }

    fn with(arguments: &[&str]) -> Result<Config, clap::Error> {
        let arguments = std::iter::once(&"service").chain(arguments);
        Arguments::try_parse_from(arguments).map(|arguments| arguments.config)
    }

    #[test]
    fn clap_accepts_the_arguments_as_declared() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_defaults_fit_together() {
        assert_eq!(with(&[]).unwrap().problems(), Vec::<String>::new());
    }

    #[test]
    fn a_drain_that_leaves_no_time_to_flush_is_named_with_its_parts() {
        let config = with(&["--drain-delay", "10s", "--drain-timeout", "15s"]).unwrap();
        let problems = config.problems().join("\n");
        for part in ["SHUTDOWN_TIMEOUT=25s", "DRAIN_DELAY (10s)", "need 27s"] {
            assert!(problems.contains(part), "{part:?} is missing in {problems}");
        }
    }

    #[test]
    fn a_duration_without_a_unit_is_refused_with_the_remedy() {
        let Err(error) = with(&["--drain-delay", "5"]) else {
            panic!("5 has no unit and must be refused");
        };
        assert!(error.to_string().contains("as in 250ms, 5s"), "{error}");
    }

    #[test]
    fn a_timeout_of_nothing_is_refused() {
        assert!(
            with(&["--header-timeout", "0s"]).is_err(),
            "no request could ever come in"
        );
        assert!(
            with(&["--drain-delay", "0s"]).is_ok(),
            "no delay is right where nothing balances load"
        );
    }
}
