//! The gateway's configuration: flags and environment variables.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Parser;
use telemetry::http::{BaseUrl, ClientConfig, PeerCa, ServerLayer};
use telemetry::{BaggageKeys, Edge, EdgeTrace};
use tower_http::cors::CorsLayer;

use crate::cors::{self, Origins};
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

    /// Comma-separated baggage keys that are accepted from public callers; others are dropped.
    /// A * at the end accepts every key with that prefix (tenant.*), and * every key
    #[arg(
        long,
        env = "EDGE_BAGGAGE",
        value_name = "KEY,KEY",
        default_value = "",
        hide_default_value = true,
        hide_env_values = true
    )]
    pub edge_baggage: BaggageKeys,

    /// Number of proxies in front of the public API that add the address of their client to
    /// X-Forwarded-For or Forwarded. With 0, X-Forwarded-* and Forwarded are ignored
    #[arg(long, env = "TRUSTED_PROXIES", value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u8).range(..=100), hide_env_values = true)]
    pub trusted_proxies: u8,

    /// Comma-separated origins whose web pages may call the public API from a browser, or * for all;
    /// none by default
    #[arg(long, env = "CORS_ALLOWED_ORIGINS", value_name = "ORIGIN,ORIGIN", default_value = "", hide_default_value = true, value_parser = cors::origins, hide_env_values = true)]
    pub cors_allowed_origins: Origins,

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
    /// The spans of public requests: which context and which headers of proxies are
    /// accepted.
    pub(crate) fn spans(&self) -> ServerLayer {
        let edge = Edge::new(self.edge_trace, self.edge_baggage.clone());
        ServerLayer::public(edge).trusted_proxies(self.trusted_proxies.into())
    }

    /// The CORS headers of public responses.
    pub(crate) fn cors(&self) -> Option<CorsLayer> {
        cors::layer(&self.cors_allowed_origins)
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn clap_accepts_the_arguments_as_declared() {
        Config::command().debug_assert();
    }

    #[test]
    fn invalid_values_are_reported_with_their_flag() {
        for (arguments, expected) in [
            (["--hello-url", "ftp://hello"], "not http or https"),
            (["--peer-ca-file", "/no/such/file"], "cannot be read"),
            (["--edge-trace", "trust"], "use continue or link"),
            (["--edge-baggage", "tenant;prop"], "not a valid baggage key"),
            (["--edge-baggage", "ten*ant"], "use key, prefix.* or *"),
            (["--edge-baggage", "**"], "use key, prefix.* or *"),
            (["--visitors", "/no/such/file"], "/no/such/file"),
            (["--hello-timeout", "2"], "with its unit"),
            (["--trusted-proxies", "all"], "--trusted-proxies"),
            (
                ["--cors-allowed-origins", "https://shop.example/"],
                "write https://shop.example",
            ),
            (["--probe-paths", "up"], "begin with /"),
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
