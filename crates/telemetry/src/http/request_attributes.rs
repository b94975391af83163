//! What a server span says of its request: the attributes of the HTTP
//! semantic conventions, from the request line, `Host`, the peer's address and
//! the proxies' headers.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use http::{HeaderMap, HeaderName, Request, Version, header};
use opentelemetry::KeyValue;
use opentelemetry_semantic_conventions::attribute as key;

use super::names::{Named, known_method};
use super::recent;

/// The longest text taken from a request into an attribute, in bytes.
const MAX_TEXT: usize = 256;

/// Statics: a name that is given as text is parsed for each request.
static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The attributes known before the request is handled.
///
/// `forwarded` says whether the headers that proxies set (`X-Forwarded-For`,
/// `X-Forwarded-Proto`) are read.
pub(crate) fn of_request<B>(request: &Request<B>, named: Named, forwarded: bool) -> Vec<KeyValue> {
    // Enough for all below, the status code, and an entry or two of baggage.
    let mut attributes = Vec::with_capacity(13);
    let method = known_method(request.method());
    attributes.push(KeyValue::new(key::HTTP_REQUEST_METHOD, method));
    if method == "_OTHER" {
        let original = bounded(request.method().as_str()).to_owned();
        attributes.push(KeyValue::new(key::HTTP_REQUEST_METHOD_ORIGINAL, original));
    }
    if let Some(route) = named.route {
        attributes.push(KeyValue::new(key::HTTP_ROUTE, route));
    }
    attributes.push(KeyValue::new(
        key::URL_PATH,
        bounded(request.uri().path()).to_owned(),
    ));
    let scheme = scheme(request, forwarded);
    attributes.push(KeyValue::new(key::URL_SCHEME, scheme));
    if let Some((host, port)) = authority(request) {
        attributes.push(KeyValue::new(key::SERVER_ADDRESS, recent::text(host)));
        let port = port.unwrap_or(if scheme == "https" { 443 } else { 80 });
        attributes.push(KeyValue::new(key::SERVER_PORT, i64::from(port)));
    }
    if let Some(address) = client_address(request, forwarded) {
        attributes.push(KeyValue::new(key::CLIENT_ADDRESS, recent::address(address)));
    }
    if let Some(version) = protocol_version(request.version()) {
        attributes.push(KeyValue::new(key::NETWORK_PROTOCOL_VERSION, version));
    }
    if let Some(agent) = text(request.headers(), &header::USER_AGENT) {
        attributes.push(KeyValue::new(
            key::USER_AGENT_ORIGINAL,
            recent::text(bounded(agent)),
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

/// The scheme that the client used: a proxy in front says it, where there is one.
fn scheme<B>(request: &Request<B>, forwarded: bool) -> &'static str {
    let said = forwarded
        .then(|| text(request.headers(), &FORWARDED_PROTO))
        .flatten();
    match said.or_else(|| request.uri().scheme_str()) {
        Some(scheme) if scheme.eq_ignore_ascii_case("https") => "https",
        _ => "http",
    }
}

/// Host and port as the client wrote them: from the request line where it is
/// absolute, else from `Host`. `None` where it is no authority at all.
fn authority<B>(request: &Request<B>) -> Option<(&str, Option<u16>)> {
    let authority = match request.uri().authority() {
        Some(authority) => authority.as_str(),
        None => text(request.headers(), &header::HOST)?,
    };
    // Credentials in a Host header are no part of the address.
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

/// Who asked: the first address of `X-Forwarded-For` where proxies are in
/// front, else the peer of the connection.
fn client_address<B>(request: &Request<B>, forwarded: bool) -> Option<IpAddr> {
    let said = forwarded
        .then(|| text(request.headers(), &FORWARDED_FOR))
        .flatten();
    said.and_then(|list| list.split(',').next())
        .and_then(|first| first.trim().parse().ok())
        .or_else(|| {
            request
                .extensions()
                .get::<ConnectInfo<SocketAddr>>()
                .map(|peer| peer.0.ip())
        })
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The start of a text, cut at a character.
fn bounded(text: &str) -> &str {
    if text.len() <= MAX_TEXT {
        text
    } else {
        &text[..text.floor_char_boundary(MAX_TEXT)]
    }
}

#[cfg(test)]
mod tests {
    use super::super::names::name;
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
    fn host_header_gives_address_and_port() {
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
    fn what_is_no_authority_gives_no_attribute() {
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
    fn a_forwarded_text_that_is_no_address_is_not_taken() {
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
        let attributes = format!(
            "{:?}",
            of_request(&request, name(request.method(), None), true)
        );
        assert!(
            !attributes.contains("secret"),
            "a query value leaked: {attributes}"
        );
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        let long = "é".repeat(MAX_TEXT);
        assert_eq!(bounded(&long).len(), MAX_TEXT);
    }
}
