//! The attributes that a SERVER span records about its request, as the HTTP
//! semantic conventions define them: from the request line, `Host`, the peer's
//! address and the headers of proxies.

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use http::{HeaderMap, HeaderName, Request, Version, header};
use opentelemetry::KeyValue;
use opentelemetry_semantic_conventions::attribute as key;

use super::span_name::known_method;

/// The maximum length of an attribute's text that a caller chose, in bytes.
const MAX_TEXT: usize = 256;

static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The attributes known before the request is handled.
///
/// With `reads_forwarded`, the headers that proxies set (`X-Forwarded-For`,
/// `X-Forwarded-Proto`) are read.
pub(crate) fn of_request<B>(
    request: &Request<B>,
    route: Option<&str>,
    reads_forwarded: bool,
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
    let scheme = scheme(request, reads_forwarded);
    attributes.push(KeyValue::new(key::URL_SCHEME, scheme));
    if let Some((host, port)) = authority(request) {
        attributes.push(KeyValue::new(key::SERVER_ADDRESS, host.to_owned()));
        let port = port.unwrap_or(if scheme == "https" { 443 } else { 80 });
        attributes.push(KeyValue::new(key::SERVER_PORT, i64::from(port)));
    }
    if let Some(address) = client_address(request, reads_forwarded) {
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

/// The scheme that the client used, from the proxy's header if there is one.
fn scheme<B>(request: &Request<B>, reads_forwarded: bool) -> &'static str {
    let forwarded = reads_forwarded
        .then(|| text(request.headers(), &FORWARDED_PROTO))
        .flatten();
    match forwarded.or_else(|| request.uri().scheme_str()) {
        Some(scheme) if scheme.eq_ignore_ascii_case("https") => "https",
        _ => "http",
    }
}

/// Host and port as the client wrote them: from the request line if that is
/// absolute, otherwise from `Host`. `None` if they are invalid.
///
/// `http::uri::Authority` is not used: it accepts `hello:port`.
fn authority<B>(request: &Request<B>) -> Option<(&str, Option<u16>)> {
    let authority = match request.uri().authority() {
        Some(authority) => authority.as_str(),
        None => text(request.headers(), &header::HOST)?,
    };
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

/// The client's address: the first one in `X-Forwarded-For` if that is read and
/// valid, otherwise the peer of the connection.
fn client_address<B>(request: &Request<B>, reads_forwarded: bool) -> Option<IpAddr> {
    let forwarded = reads_forwarded
        .then(|| text(request.headers(), &FORWARDED_FOR))
        .flatten();
    forwarded
        .and_then(|list| list.split(',').next())
        .and_then(|first| first.trim().parse().ok())
        .or_else(|| {
            request
                .extensions()
                .get::<ConnectInfo<SocketAddr>>()
                .map(|peer| peer.0.ip())
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
        authority(&request).map(|(host, port)| (host.to_owned(), port))
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
                authority(&request),
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

    #[test]
    fn the_client_is_the_first_forwarded_address_only_at_the_edge() {
        let mut request = Request::builder()
            .header("x-forwarded-for", "203.0.113.7, 10.0.0.1")
            .body(())
            .unwrap();
        let peer: SocketAddr = "192.0.2.1:5000".parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
        assert_eq!(
            client_address(&request, true),
            Some("203.0.113.7".parse().unwrap())
        );
        assert_eq!(client_address(&request, false), Some(peer.ip()));
    }

    #[test]
    fn an_invalid_forwarded_address_is_ignored() {
        let request = Request::builder()
            .header("x-forwarded-for", "token=secret")
            .body(())
            .unwrap();
        assert_eq!(client_address(&request, true), None);
    }

    #[test]
    fn the_query_is_in_no_attribute() {
        let request = Request::builder()
            .uri("http://hello:1/a/b?token=secret")
            .body(())
            .unwrap();
        let attributes = format!("{:?}", of_request(&request, None, true));
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
