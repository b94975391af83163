//! The gateway's configuration: flags and environment variables.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Parser;
use telemetry::http::{BaseUrl, ClientConfig, PeerCa};
use telemetry::{Edge, EdgeTrace};

use crate::visitors::{self, Directory};

const VISITORS_HELP: &str = r#"A JSON file of visitors that replaces the built-in directory: [{"name": "ada", "display_name": "Ada Lovelace", "language": "en"}, ...]"#;

/// The public API of onetrace, and the directory of visitors.
#[derive(Clone, Debug, Parser)]
pub struct Config {
    /// Address of the public API
    #[arg(
        long,
        env = "HTTP_ADDR",
        default_value = "0.0.0.0:8080",
        hide_env_values = true
    )]
    pub http_addr: SocketAddr,

    /// Address of probes, metrics and the internal API
    #[arg(
        long,
        env = "ADMIN_ADDR",
        default_value = "0.0.0.0:8081",
        hide_env_values = true
    )]
    pub admin_addr: SocketAddr,

    /// Base URL of hello, as http://host:port or https://host:port
    #[arg(
        long,
        env = "HELLO_URL",
        default_value = "http://127.0.0.1:8090",
        hide_env_values = true
    )]
    pub hello_url: BaseUrl,

    /// PEM file of the certificate authorities of https peers; it is read again when it changes.
    /// Default: the public authorities
    #[arg(
        long,
        env = "PEER_CA_FILE",
        value_name = "PATH",
        default_value = "",
        hide_default_value = true,
        hide_env_values = true
    )]
    pub peer_ca_file: PeerCa,

    /// Timeout of one attempt to call hello
    #[arg(long, env = "HELLO_TIMEOUT", default_value = "2s", value_parser = server::positive, hide_env_values = true)]
    pub hello_timeout: Duration,

    /// Retries of a call to hello
    #[arg(long, env = "HELLO_RETRIES", default_value_t = 2, value_parser = clap::value_parser!(u32).range(..=10), hide_env_values = true)]
    pub hello_retries: u32,

    /// The directory of visitors.
    #[arg(long, help = VISITORS_HELP, env = "VISITORS", value_name = "PATH", default_value = "", hide_default_value = true, value_parser = visitors::directory, hide_env_values = true)]
    pub visitors: Directory,

    /// Whether to continue a public caller's trace, or to start a new trace that links to it
    #[arg(long, env = "EDGE_TRACE", value_name = "continue|link", default_value_t = EdgeTrace::Continue, hide_env_values = true)]
    pub edge_trace: EdgeTrace,

    /// Comma-separated baggage keys that are accepted from public callers; others are dropped
    #[arg(long, env = "EDGE_BAGGAGE", value_name = "KEY,KEY", default_value = "", hide_default_value = true, value_parser = baggage_keys, hide_env_values = true)]
    pub edge_baggage: BaggageKeys,

    /// Limits and timeouts of both ports.
    #[command(flatten)]
    pub server: server::Config,
}

impl server::ServiceConfig for Config {
    fn problems(&self) -> Vec<String> {
        self.server.problems()
    }
}

impl Config {
    /// What is accepted from public callers.
    pub(crate) fn edge(&self) -> Edge {
        Edge::new(self.edge_trace, self.edge_baggage.0.clone())
    }

    /// The configuration of the client for hello.
    pub(crate) fn hello_client(&self) -> ClientConfig {
        ClientConfig {
            timeout: self.hello_timeout,
            connect_timeout: self.hello_timeout,
            retries: self.hello_retries,
            user_agent: concat!("gateway/", env!("CARGO_PKG_VERSION")),
            tls: self.peer_ca_file.tls("PEER_CA_FILE"),
            ..ClientConfig::default()
        }
    }
}

/// A list of baggage keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BaggageKeys(Vec<String>);

/// Parses comma-separated keys. Each is a token of RFC 9110, as W3C Baggage
/// requires.
fn baggage_keys(text: &str) -> Result<BaggageKeys, String> {
    let keys = text.split(',').map(str::trim).filter(|key| !key.is_empty());
    let is_token = |key: &str| {
        key.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
    };
    let keys = keys.map(|key| {
        is_token(key).then(|| key.to_owned()).ok_or_else(|| {
            format!("{key:?} is not a valid baggage key; use only letters, digits and -._")
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
    fn baggage_keys_are_separated_by_commas() {
        let keys = |text| baggage_keys(text).map(|keys| keys.0);
        assert_eq!(keys(""), Ok(vec![]));
        assert_eq!(
            keys("tenant, user.tier,"),
            Ok(vec!["tenant".to_owned(), "user.tier".to_owned()])
        );
        assert!(keys("tenant;prop").is_err_and(|error| error.contains("\"tenant;prop\"")));
    }

    #[test]
    fn invalid_values_are_reported_with_their_flag() {
        for (arguments, expected) in [
            (["--hello-url", "ftp://hello"], "not http or https"),
            (["--peer-ca-file", "/no/such/file"], "cannot be read"),
            (["--edge-trace", "trust"], "use continue or link"),
            (["--visitors", "/no/such/file"], "/no/such/file"),
            (["--hello-timeout", "2"], "with its unit"),
        ] {
            let all = ["gateway"].into_iter().chain(arguments);
            let error = Config::try_parse_from(all).unwrap_err().to_string();
            assert!(
                error.contains(expected) && error.contains(arguments[0]),
                "{arguments:?} must be rejected with {expected:?}, not with {error}"
            );
        }
    }
}
