//! The flags and environment variables that all services share.

use std::time::Duration;

use clap::{ArgAction, Args};
use telemetry::http::Probes;

/// Limits and timeouts of both ports. Flatten it into the service's own
/// configuration with `#[command(flatten)]`.
///
/// Durations have units: `250ms`, `5s`, `1m 30s`.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Serving")]
// clap names a group after its struct, and the service's struct is `Config`, too.
#[group(id = "server")]
pub struct Config {
    /// Keep serving for this long after SIGTERM, so that load balancers stop sending requests
    #[arg(long, env = "DRAIN_DELAY", default_value = "5s", value_parser = duration, hide_env_values = true)]
    pub drain_delay: Duration,

    /// Whether /readyz stays ready during the drain delay. Set it on Kubernetes, which stops sending
    /// requests to a terminating pod by itself. Leave it off if a load balancer polls /readyz
    #[arg(long, env = "DRAIN_READY", default_value_t = false, action = ArgAction::Set, hide_env_values = true)]
    pub drain_ready: bool,

    /// Time for requests in flight to finish after the drain delay; then connections are force-closed
    #[arg(long, env = "DRAIN_TIMEOUT", default_value = "15s", value_parser = duration, hide_env_values = true)]
    pub drain_timeout: Duration,

    /// Time from SIGTERM to the exit. What the drain delay and the drain timeout leave is for exporting
    /// the last spans. Keep it below the pod's terminationGracePeriodSeconds
    #[arg(long, env = "SHUTDOWN_TIMEOUT", default_value = "25s", value_parser = duration, hide_env_values = true)]
    pub shutdown_timeout: Duration,

    /// Time for a client to send the head of a request
    #[arg(long, env = "HEADER_TIMEOUT", default_value = "10s", value_parser = positive, hide_env_values = true)]
    pub header_timeout: Duration,

    /// Time for a client to send the body of a request
    #[arg(long, env = "BODY_TIMEOUT", default_value = "30s", value_parser = positive, hide_env_values = true)]
    pub body_timeout: Duration,

    /// Time for the response to a client that has closed its side of the connection: it may still read
    /// (a half-close), or have disconnected. Then the request is cancelled; with 0s immediately
    #[arg(long, env = "HALF_CLOSE_TIMEOUT", default_value = "5s", value_parser = duration, hide_env_values = true)]
    pub half_close_timeout: Duration,

    /// Close a connection that is idle or stuck for this long. Keep it above the clients' idle timeout
    /// (90s for reqwest), or a client may send a request on a connection that is being closed
    #[arg(long, env = "IDLE_TIMEOUT", default_value = "120s", value_parser = positive, hide_env_values = true)]
    pub idle_timeout: Duration,

    /// After this age (±10%), the next response closes the connection, so that clients with keep-alive
    /// connections also use new replicas
    #[arg(long, env = "MAX_CONNECTION_AGE", default_value = "5m", value_parser = positive, hide_env_values = true)]
    pub max_connection_age: Duration,

    /// Maximum size of a request body, in bytes
    #[arg(
        long,
        env = "MAX_BODY",
        default_value_t = 1024 * 1024,
        hide_env_values = true
    )]
    pub max_body: usize,

    /// Maximum number of connections per port; more are queued. It is lowered if the process may open
    /// fewer than three files per connection (`ulimit -Hn`)
    #[arg(long, env = "MAX_CONNECTIONS", default_value = "8192", value_parser = clap::value_parser!(u32).range(1..=1_000_000), hide_env_values = true)]
    pub max_connections: u32,

    /// Comma-separated paths that load balancers poll, such as /,/status. Requests for them make no span
    /// and no log line
    #[arg(long, env = "PROBE_PATHS", value_name = "PATH,PATH", value_delimiter = ',', value_parser = probe_path, hide_env_values = true)]
    pub probe_paths: Vec<String>,

    /// Comma-separated beginnings of the user agents of health checks, such as ELB-HealthChecker/,GoogleHC/.
    /// Their requests make no span and no log line
    #[arg(long, env = "PROBE_USER_AGENTS", value_name = "AGENT,AGENT", value_delimiter = ',', value_parser = probe_user_agent, hide_env_values = true)]
    pub probe_user_agents: Vec<String>,
}

impl Config {
    /// The minimum of `SHUTDOWN_TIMEOUT` in addition to delay and drain: for the
    /// admin port to close and the last spans to be exported.
    pub const MIN_FLUSH: Duration = Duration::from_secs(2);

    /// The requests that make no span and no log line.
    pub(crate) fn probes(&self) -> Probes {
        let configured = |texts: &[String]| {
            // An empty variable is a list with one empty entry.
            let texts = texts.iter().filter(|text| !text.is_empty());
            texts.cloned().collect()
        };
        Probes::new(
            configured(&self.probe_paths),
            configured(&self.probe_user_agents),
        )
    }

    /// Values that do not fit together.
    pub fn problems(&self) -> Vec<String> {
        let needed = self.drain_delay + self.drain_timeout + Self::MIN_FLUSH;
        if self.shutdown_timeout >= needed {
            return Vec::new();
        }
        let format = humantime::format_duration;
        vec![format!(
            "SHUTDOWN_TIMEOUT={} is too short: DRAIN_DELAY ({}), DRAIN_TIMEOUT ({}) and {} for the last spans need {}",
            format(self.shutdown_timeout),
            format(self.drain_delay),
            format(self.drain_timeout),
            format(Self::MIN_FLUSH),
            format(needed),
        )]
    }
}

/// Parses `250ms`, `5s`, `1m 30s`, `0s`, for clap's `value_parser`.
///
/// # Errors
/// A message with the expected format.
pub fn duration(text: &str) -> Result<Duration, String> {
    const MAX: Duration = Duration::from_hours(24);
    let hint = "write a duration with its unit, as in 250ms, 5s or 1m";
    let duration = humantime::parse_duration(text).map_err(|error| format!("{error}; {hint}"))?;
    if duration > MAX {
        return Err("the maximum is 24h".to_owned());
    }
    Ok(duration)
}

/// Parses a [`duration`] that must not be zero.
///
/// # Errors
/// A message with the expected format.
pub fn positive(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("it must be longer than zero".to_owned()),
        duration => Ok(duration),
    }
}

fn probe_path(text: &str) -> Result<String, String> {
    let path = text.trim();
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#');
    if path.is_empty() || path.starts_with('/') && path.bytes().all(is_plain) {
        Ok(path.to_owned())
    } else {
        Err("write paths that begin with / and have no query, as in /,/status".to_owned())
    }
}

fn probe_user_agent(text: &str) -> Result<String, String> {
    let agent = text.trim();
    if agent
        .bytes()
        .all(|byte| byte.is_ascii_graphic() || byte == b' ')
    {
        Ok(agent.to_owned())
    } else {
        Err("write the beginnings of user agents, as in ELB-HealthChecker/,GoogleHC/".to_owned())
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

    fn parse(arguments: &[&str]) -> Result<Config, clap::Error> {
        let arguments = std::iter::once(&"service").chain(arguments);
        Arguments::try_parse_from(arguments).map(|arguments| arguments.config)
    }

    #[test]
    fn clap_accepts_the_arguments_as_declared() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_defaults_fit_together() {
        assert_eq!(parse(&[]).unwrap().problems(), Vec::<String>::new());
    }

    #[test]
    fn a_drain_that_leaves_no_time_to_flush_is_an_error() {
        let config = parse(&["--drain-delay", "10s", "--drain-timeout", "15s"]).unwrap();
        let problems = config.problems().join("\n");
        for part in ["SHUTDOWN_TIMEOUT=25s", "DRAIN_DELAY (10s)", "need 27s"] {
            assert!(problems.contains(part), "{part:?} is missing in {problems}");
        }
    }

    #[test]
    fn a_duration_without_a_unit_is_rejected_with_a_hint() {
        let Err(error) = parse(&["--drain-delay", "5"]) else {
            panic!("5 has no unit and must be rejected");
        };
        assert!(error.to_string().contains("as in 250ms, 5s"), "{error}");
    }

    #[test]
    fn probes_are_lists_and_invalid_entries_are_rejected() {
        let probes = |arguments: &[&str]| parse(arguments).map(|config| config.probes());
        let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
        let expected = Probes::new(texts(&["/", "/up"]), texts(&["GoogleHC/", "Uptime 1"]));
        let lists = [
            "--probe-paths",
            "/, /up,",
            "--probe-user-agents",
            "GoogleHC/,Uptime 1",
        ];
        assert_eq!(probes(&lists).unwrap(), expected);
        let empty = ["--probe-paths", "", "--probe-user-agents", ""];
        assert_eq!(probes(&empty).unwrap(), Probes::default());
        for path in ["up", "http://x/up", "/up?x=1", "/u p", "/\u{fc}"] {
            assert!(probes(&["--probe-paths", path]).is_err(), "{path}");
        }
        assert!(probes(&["--probe-user-agents", "a\tb"]).is_err());
    }

    #[test]
    fn a_timeout_of_zero_is_rejected() {
        assert!(
            parse(&["--header-timeout", "0s"]).is_err(),
            "every request would time out"
        );
        assert!(
            parse(&["--drain-delay", "0s"]).is_ok(),
            "without a load balancer, no delay is needed"
        );
    }
}
