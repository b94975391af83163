//! The HTTP client of requests and queries.

use reqwest::ClientBuilder;
use url::{Host, Url};

use crate::http_client;

/// A builder of a client for `url`. Requests to a loopback address never use the proxy of
/// `HTTP_PROXY` and similar variables.
pub(crate) fn builder(url: &Url) -> ClientBuilder {
    let builder = http_client::builder();
    if is_loopback(url) {
        builder.no_proxy()
    } else {
        builder
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        // RFC 6761: `localhost` and every name below it.
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loopback_address_is_recognized_in_every_form() {
        for (url, expected) in [
            ("http://localhost:4318", true),
            ("http://LOCALHOST/", true),
            ("http://jaeger.localhost", true),
            ("http://127.0.0.1:16686", true),
            ("http://127.9.9.9", true),
            ("http://2130706433/", true),
            ("http://[::1]:80", true),
            ("http://localhost.example.com", false),
            ("http://10.0.0.1", false),
            ("http://jaeger", false),
        ] {
            let parsed = Url::parse(url).expect("a test's URL is valid");
            assert_eq!(is_loopback(&parsed), expected, "{url}");
        }
    }
}
