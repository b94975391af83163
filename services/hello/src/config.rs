//! hello's configuration: flags and environment variables.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{ArgAction, Parser};
use telemetry::http::{BaseUrl, ClientConfig, PeerCa};

/// Greets visitors in their language, which it looks up at the gateway.
#[derive(Clone, Debug, Parser)]
pub struct Config {
    /// Address of the API
    #[arg(
        long,
        env = "HTTP_ADDR",
        default_value = "0.0.0.0:8090",
        hide_env_values = true
    )]
    pub http_addr: SocketAddr,

    /// Address of probes, metrics and the fault switch
    #[arg(
        long,
        env = "ADMIN_ADDR",
        default_value = "0.0.0.0:8091",
        hide_env_values = true
    )]
    pub admin_addr: SocketAddr,

    /// Base URL of the gateway's internal API, as http://host:port or https://host:port
    #[arg(
        long,
        env = "GATEWAY_URL",
        default_value = "http://127.0.0.1:8081",
        hide_env_values = true
    )]
    pub gateway_url: BaseUrl,

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

    /// Timeout of one attempt to call the gateway
    #[arg(long, env = "GATEWAY_TIMEOUT", default_value = "500ms", value_parser = server::positive, hide_env_values = true)]
    pub gateway_timeout: Duration,

    /// Retries of a call to the gateway
    #[arg(long, env = "GATEWAY_RETRIES", default_value_t = 2, value_parser = clap::value_parser!(u32).range(..=10), hide_env_values = true)]
    pub gateway_retries: u32,

    /// Enables the fault switch on the admin port, for tests and demos: POST /faults
    #[arg(long, env = "FAULTS", action = ArgAction::Set, num_args = 0..=1, default_value_t = false, default_missing_value = "true", hide_env_values = true)]
    pub faults: bool,

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
    /// The configuration of the client for the gateway.
    pub(crate) fn gateway_client(&self) -> ClientConfig {
        ClientConfig {
            timeout: self.gateway_timeout,
            connect_timeout: self.gateway_timeout,
            retries: self.gateway_retries,
            user_agent: concat!("hello/", env!("CARGO_PKG_VERSION")),
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
    fn an_unreadable_file_of_authorities_is_rejected_with_the_reason() {
        let arguments = ["hello", "--peer-ca-file", "/no/such/file"];
        let error = Config::try_parse_from(arguments).unwrap_err().to_string();
        assert!(error.contains("cannot be read"), "{error}");
    }

    #[test]
    fn faults_are_off_by_default() {
        let faults = |arguments: &[&str]| {
            let arguments = std::iter::once(&"hello").chain(arguments);
            Config::try_parse_from(arguments).unwrap().faults
        };
        assert!(!faults(&[]));
        assert!(faults(&["--faults"]));
        assert!(!faults(&["--faults", "false"]));
    }
}
