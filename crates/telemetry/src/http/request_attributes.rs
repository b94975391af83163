//! The attributes that a SERVER span records about its request, as the HTTP
//! semantic conventions define them: from the request line, `Host`, the peer's
//! address and the headers of proxies.

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use http::{HeaderMap, HeaderName, Request, Version, header};
use opentelemetry::KeyValue;
use opentelemetry_semantic_conventions::attribute as key;

use super::forwarded;
use super::span_name::known_method;

/// The maximum length of an attribute's text that a caller chose, in bytes.
const MAX_TEXT: usize = 256;

/// The attributes known before the request is handled.
///
/// With `trusted_proxies`, the headers are read that as many proxies in front of this
/// service set; see [`forwarded`].
pub(crate) fn of_request<B>(
    request: &Request<B>,
    route: Option<&str>,
    trusted_proxies: usize,
) -> Vec<KeyValue> {
    // Room for everything below, the status code and two entries of baggage.
    let mut attributes = Vec::with_capacity(13);
    let method = known_method(request.method());
    attributes.push(KeyValue::new(key::HTTP_REQUEST_METHOD, method));
    if method == "_OTHER" {
        let original = bounded(request.method().as_str()).to_owned();
        attributes.push(KeyValue::new(key::HTTP_REQUEST_METHOD_ORIGINAL, original));
    }
    if let Some(route) = route {
        attributes.push(KeyValue::new(key::HTTP_ROUTE, route.to_owned()));
    }
    attributes.push(KeyValue::new(
        key::URL_PATH,
        bounded(request.uri().path()).to_owned(),
    ));
    let scheme = scheme(request, trusted_proxies);
    attributes.push(KeyValue::new(key::URL_SCHEME, scheme));
    if let Some((host, port)) = authority(request, trusted_proxies) {
        attributes.push(KeyValue::new(key::SERVER_ADDRESS, host.to_owned()));
        let port = port.unwrap_or(if scheme == "https" { 443 } else { 80 });
        attributes.push(KeyValue::new(key::SERVER_PORT, i64::from(port)));
    }
    if let Some(address) = client_address(request, trusted_proxies) {
        attributes.push(KeyValue::new(key::CLIENT_ADDRESS, address_text(address)));
    }
    if let Some(version) = protocol_version(request.version()) {
        attributes.push(KeyValue::new(key::NETWORK_PROTOCOL_VERSION, version));
    }
    if let Some(agent) = text(request.headers(), &header::USER_AGENT) {
        attributes.push(KeyValue::new(
            key::USER_AGENT_ORIGINAL,
            bounded(agent).to_owned(),
        ));
    }
    attributes
}

/// `network.protocol.version`, as the conventions write it.
pub(crate) fn protocol_version(version: Version) -> Option<&'static str> {
    match version {
        Version::HTTP_10 => Some("1.0"),
        Version::HTTP_11 => Some("1.1"),
        Version::HTTP_2 => Some("2"),
        Version::HTTP_3 => Some("3"),
        _ => None,
    }
}

/// The scheme of the original request.
fn scheme<B>(request: &Request<B>, trusted_proxies: usize) -> &'static str {
    let forwarded = (trusted_proxies > 0)
        .then(|| forwarded::scheme(request.headers()))
        .flatten();
    match forwarded.or_else(|| request.uri().scheme_str()) {
        Some(scheme) if scheme.eq_ignore_ascii_case("https") => "https",
        _ => "http",
    }
}

/// Host and port of the original request: as a trusted proxy reports them, otherwise
/// from the request line if that is absolute, otherwise from `Host`. `None` if they
/// are invalid.
fn authority<B>(request: &Request<B>, trusted_proxies: usize) -> Option<(&str, Option<u16>)> {
    if trusted_proxies > 0
        && let Some(original) = forwarded::hosts(request.headers()).find_map(host_and_port)
    {
        return Some(original);
    }
    host_and_port(match request.uri().authority() {
        Some(authority) => authority.as_str(),
        None => text(request.headers(), &header::HOST)?,
    })
}

/// The parts of `HOST[:PORT]`; IPv6 addresses are in brackets.
///
/// `http::uri::Authority` is not used: it accepts `hello:port`.
fn host_and_port(authority: &str) -> Option<(&str, Option<u16>)> {
    // The address must not contain credentials.
    let host_and_port = authority
        .rsplit_once('@')
        .map_or(authority, |(_, after)| after);
    let (host, port) = match host_and_port.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            (host, Some(port.parse().ok()?))
        }
        _ => (host_and_port, None),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':');
    (!host.is_empty() && host.len() <= MAX_TEXT && host.bytes().all(plain)).then_some((host, port))
}

/// The client's address as the trusted proxies report it, otherwise the peer of the
/// connection.
fn client_address<B>(request: &Request<B>, trusted_proxies: usize) -> Option<IpAddr> {
    let forwarded = (trusted_proxies > 0)
        .then(|| forwarded::client(request.headers(), trusted_proxies))
        .flatten();
    forwarded.or_else(|| {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        // A listener for IPv6 also accepts IPv4 clients, as ::ffff:a.b.c.d.
        peer.map(|peer| peer.0.ip().to_canonical())
    })
}

/// The address as text. `to_string` would grow the string several times.
fn address_text(address: IpAddr) -> String {
    const MAX_LEN: usize = "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255".len();
    let mut text = String::with_capacity(MAX_LEN);
    write!(text, "{address}").expect("a String accepts every text");
    text
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The start of a text: at most [`MAX_TEXT`] bytes, complete characters.
fn bounded(text: &str) -> &str {
    if text.len() <= MAX_TEXT {
        text
    } else {
        &text[..text.floor_char_boundary(MAX_TEXT)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authority_of(host: &str) -> Option<(String, Option<u16>)> {
        let request = Request::builder()
            .uri("/x")
            .header("host", host)
            .body(())
            .unwrap();
        authority(&request, 0).map(|(host, port)| (host.to_owned(), port))
    }

    #[test]
    fn address_and_port_are_read_from_the_host_header() {
        assert_eq!(
            authority_of("hello:8090"),
            Some(("hello".to_owned(), Some(8090)))
        );
        assert_eq!(
            authority_of("hello.default.svc"),
            Some(("hello.default.svc".to_owned(), None))
        );
        assert_eq!(
            authority_of("[::1]:8080"),
            Some(("::1".to_owned(), Some(8080)))
        );
        assert_eq!(authority_of("[::1]"), Some(("::1".to_owned(), None)));
    }

    #[test]
    fn an_invalid_host_header_makes_no_attribute() {
        for bad in ["", "hello:port", "a b", "héllo", "x\u{7f}", "hello:99999"] {
            let request = Request::builder().uri("/x");
            let Ok(request) = request.header("host", bad.as_bytes()).body(()) else {
                continue;
            };
            assert_eq!(
                authority(&request, 0),
                None,
                "{bad:?} must not become server.address"
            );
        }
    }

    #[test]
    fn credentials_in_host_are_left_out() {
        assert_eq!(
            authority_of("user:secret@hello:1"),
            Some(("hello".to_owned(), Some(1)))
        );
    }

    fn request(headers: &[(&str, &str)]) -> Request<()> {
        let request = headers
            .iter()
            .fold(Request::builder(), |request, (name, value)| {
                request.header(*name, *value)
            });
        let mut request = request.body(()).unwrap();
        let peer: SocketAddr = "[::ffff:192.0.2.1]:5000".parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
        request
    }

    #[test]
    fn without_trusted_proxies_forwarded_headers_are_ignored() {
        let request = request(&[
            ("host", "gateway:8080"),
            ("x-forwarded-for", "203.0.113.7"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "shop.example"),
            ("forwarded", "for=203.0.113.8;proto=https;host=shop.example"),
        ]);
        let peer = Some("192.0.2.1".parse().unwrap());
        assert_eq!(client_address(&request, 0), peer);
        assert_eq!(scheme(&request, 0), "http");
        assert_eq!(authority(&request, 0), Some(("gateway", Some(8080))));
        assert_eq!(
            client_address(&request, 1),
            Some("203.0.113.7".parse().unwrap())
        );
        assert_eq!(scheme(&request, 1), "https");
        assert_eq!(authority(&request, 1), Some(("shop.example", None)));
    }

    #[test]
    fn the_host_is_that_of_the_original_request() {
        for (headers, expected) in [
            (
                &[("x-forwarded-host", "shop.example:8443, proxy")] as &[_],
                ("shop.example", Some(8443)),
            ),
            (
                &[("x-forwarded-host", "[2001:db8::1]:443")],
                ("2001:db8::1", Some(443)),
            ),
            (
                &[("forwarded", "for=_x;host=\"shop.example:1\"")],
                ("shop.example", Some(1)),
            ),
            (
                &[("forwarded", "HOST=a.example, host=b.example")],
                ("a.example", None),
            ),
            (
                &[
                    ("forwarded", "host=a.example"),
                    ("x-forwarded-host", "b.example"),
                ],
                ("b.example", None),
            ),
            (
                &[
                    ("x-forwarded-host", "no host!"),
                    ("forwarded", "host=b.example"),
                ],
                ("b.example", None),
            ),
            (&[("x-forwarded-host", "<script>")], ("gateway", None)),
            (&[("forwarded", "for=_x")], ("gateway", None)),
        ] {
            let request = request(&[headers, &[("host", "gateway")]].concat());
            assert_eq!(authority(&request, 1), Some(expected), "{headers:?}");
        }
    }

    #[test]
    fn without_a_forwarded_address_the_client_is_the_peer_of_the_connection() {
        let peer = Some("192.0.2.1".parse().unwrap());
        for bad in ["token=secret", "unknown", "", "_hidden"] {
            let request = request(&[("x-forwarded-for", bad)]);
            assert_eq!(client_address(&request, 1), peer, "{bad:?}");
        }
    }

    #[test]
    fn the_query_is_in_no_attribute() {
        let request = Request::builder()
            .uri("http://hello:1/a/b?token=secret")
            .body(())
            .unwrap();
        let attributes = format!("{:?}", of_request(&request, None, 1));
        assert!(
            !attributes.contains("secret"),
            "a query value leaked: {attributes}"
        );
    }

    #[test]
    fn long_texts_are_shortened_to_complete_characters() {
        let long = "é".repeat(MAX_TEXT);
        assert_eq!(bounded(&long).len(), MAX_TEXT);
    }
}
