//! The gateway's settings: flags and environment variables.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Parser;
use telemetry::http::{BaseUrl, ClientSettings};
use telemetry::{Edge, EdgeTrace};

use crate::visitors::{self, Directory};

const VISITORS_HELP: &str = r#"A JSON file of visitors in the place of the built-in ones: [{"name": "ada", "display_name": "Ada Lovelace", "language": "en"}, ...]"#;

/// Greets visitors by way of hello, and knows who they are.
#[derive(Clone, Debug, Parser)]
pub struct Config {
    /// Where the public API listens
    #[arg(
        long,
        env = "HTTP_ADDR",
        default_value = "0.0.0.0:8080",
        hide_env_values = true
    )]
    pub http_addr: SocketAddr,

    /// Where probes, metrics and the internal API listen
    #[arg(
        long,
        env = "ADMIN_ADDR",
        default_value = "0.0.0.0:8081",
        hide_env_values = true
    )]
    pub admin_addr: SocketAddr,

    /// hello, as http://host:port
    #[arg(
        long,
        env = "HELLO_URL",
        default_value = "http://127.0.0.1:8090",
        hide_env_values = true
    )]
    pub hello_url: BaseUrl,

    /// The time that one attempt to call hello may take
    #[arg(long, env = "HELLO_TIMEOUT", default_value = "2s", value_parser = server::positive, hide_env_values = true)]
    pub hello_timeout: Duration,

    /// Attempts to call hello after the first
    #[arg(long, env = "HELLO_RETRIES", default_value_t = 2, value_parser = clap::value_parser!(u32).range(..=10), hide_env_values = true)]
    pub hello_retries: u32,

    /// Who is known, in the place of the built-in visitors.
    #[arg(long, help = VISITORS_HELP, env = "VISITORS", value_name = "PATH", default_value = "", hide_default_value = true, value_parser = visitors::directory, hide_env_values = true)]
    pub visitors: Directory,

    /// What becomes of a public caller's trace: continue it, or link a new one to it
    #[arg(long, env = "EDGE_TRACE", value_name = "continue|link", default_value_t = EdgeTrace::Continue, hide_env_values = true)]
    pub edge_trace: EdgeTrace,

    /// Keys of a public caller's baggage that are let in, with commas between them; others are dropped
    #[arg(long, env = "EDGE_BAGGAGE", value_name = "KEY,KEY", default_value = "", hide_default_value = true, value_parser = baggage_keys, hide_env_values = true)]
    pub edge_baggage: BaggageKeys,

    /// Limits and times of serving.
    #[command(flatten)]
    pub serving: server::Settings,
}

impl server::Config for Config {
    fn problems(&self) -> Vec<String> {
        self.serving.problems()
    }
}

impl Config {
    /// What is let in at the public edge.
    pub(crate) fn edge(&self) -> Edge {
        Edge::new(self.edge_trace, self.edge_baggage.0.clone())
    }

    /// How hello is called.
    pub(crate) fn hello_calls(&self) -> ClientSettings {
        ClientSettings {
            timeout: self.hello_timeout,
            connect_timeout: self.hello_timeout,
            retries: self.hello_retries,
            user_agent: concat!("gateway/", env!("CARGO_PKG_VERSION")),
            ..ClientSettings::default()
        }
    }
}

/// Keys of baggage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BaggageKeys(Vec<String>);

/// Parses keys with commas between them; each is a token of RFC 9110, as W3C
/// Baggage has it.
fn baggage_keys(text: &str) -> Result<BaggageKeys, String> {
    let keys = text.split(',').map(str::trim).filter(|key| !key.is_empty());
    let is_token = |key: &str| {
        key.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
    };
    let keys = keys.map(|key| {
        is_token(key).then(|| key.to_owned()).ok_or_else(|| {
            format!("{key:?} is no baggage key; write letters, digits and -._ alone")
        })
    });
    keys.collect::<Result<_, _>>().map(BaggageKeys)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn clap_accepts_the_arguments_as_declared() {
        Config::command().debug_assert();
    }

    #[test]
    fn baggage_keys_are_a_list_with_commas() {
        let keys = |text| baggage_keys(text).map(|keys| keys.0);
        assert_eq!(keys(""), Ok(vec![]));
        assert_eq!(
            keys("tenant, user.tier,"),
            Ok(vec!["tenant".to_owned(), "user.tier".to_owned()])
        );
        assert!(keys("tenant;prop").is_err_and(|error| error.contains("\"tenant;prop\"")));
    }

    #[test]
    fn values_that_cannot_be_used_are_named_with_their_flag() {
        for (arguments, expected) in [
            (["--hello-url", "https://hello"], "no TLS in this build"),
            (["--edge-trace", "trust"], "must be continue or link"),
            (["--visitors", "/no/such/file"], "/no/such/file"),
            (["--hello-timeout", "2"], "with its unit"),
        ] {
            let all = ["gateway"].into_iter().chain(arguments);
            let error = Config::try_parse_from(all).unwrap_err().to_string();
            assert!(
                error.contains(expected) && error.contains(arguments[0]),
                "{arguments:?} must be refused with {expected:?}, not with {error}"
            );
        }
    }
}
