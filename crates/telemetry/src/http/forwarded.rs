//! What the proxies in front of this service report about the client: from
//! `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host`, or from `Forwarded`
//! (RFC 7239).
//!
//! Each proxy appends the address of its own client to the list, so only the last
//! entries are those of trusted proxies; what stands before them, any client can
//! write. If a request has both kinds of headers, `X-Forwarded-*` are used: most
//! proxies write only these, and pass on the `Forwarded` of a client unchanged.
//!
//! Scheme and host are those of the first entry: proxies replace these headers more
//! often than they append to them, and a client that forges them could as well send
//! another `Host`.
//!
//! Every value is parsed: an invalid one is ignored, and never recorded.

use std::net::{IpAddr, Ipv6Addr};
use std::str;

use http::{HeaderMap, HeaderName, header};

static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
static FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The address that the farthest of the trusted proxies received the request from.
///
/// If it is unknown, obfuscated or invalid, the address that the next proxy received
/// the request from. `None` if no trusted proxy reports an address.
pub(crate) fn client(headers: &HeaderMap, trusted_proxies: usize) -> Option<IpAddr> {
    if headers.contains_key(&FORWARDED_FOR) {
        farthest(|| entries(headers, &FORWARDED_FOR), trusted_proxies)
    } else if headers.contains_key(header::FORWARDED) {
        let clients = || {
            let elements = entries(headers, &header::FORWARDED);
            elements.map(|element| parameter(element, "for").unwrap_or_default())
        };
        farthest(clients, trusted_proxies)
    } else {
        None
    }
}

/// The scheme of the original request: `http` or `https`.
pub(crate) fn scheme(headers: &HeaderMap) -> Option<&'static str> {
    first(headers, &FORWARDED_PROTO, "proto").find_map(|scheme| match scheme {
        scheme if scheme.eq_ignore_ascii_case(b"https") => Some("https"),
        scheme if scheme.eq_ignore_ascii_case(b"http") => Some("http"),
        _ => None,
    })
}

/// The candidates for the original request's host with its port, best first.
pub(crate) fn hosts(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    first(headers, &FORWARDED_HOST, "host").filter_map(|host| str::from_utf8(host).ok())
}

/// The first valid address of the last `count` ones.
fn farthest<'a, I>(nodes: impl Fn() -> I, count: usize) -> Option<IpAddr>
where
    I: Iterator<Item = &'a [u8]>,
{
    let untrusted = nodes().count().saturating_sub(count);
    nodes().skip(untrusted).find_map(address)
}

/// The first entry of the header, and the first such parameter of `Forwarded`.
fn first<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    forwarded: &'static str,
) -> impl Iterator<Item = &'a [u8]> {
    let entry = entries(headers, name).next().map(unquoted);
    let mut elements = entries(headers, &header::FORWARDED);
    let parameter = elements.find_map(move |element| parameter(element, forwarded));
    entry.into_iter().chain(parameter)
}

/// The entries of a list that may be spread over several header lines (RFC 9110,
/// section 5.6.1): without empty ones.
fn entries<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    let lines = headers.get_all(name).iter();
    let entries = lines.flat_map(|line| split(line.as_bytes(), b','));
    entries.filter(|entry| !entry.is_empty())
}

/// The value of a parameter of one element of `Forwarded`.
fn parameter<'a>(element: &'a [u8], name: &str) -> Option<&'a [u8]> {
    split(element, b';').find_map(|pair| {
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        let (key, value) = (&pair[..equals], &pair[equals + 1..]);
        key.trim_ascii()
            .eq_ignore_ascii_case(name.as_bytes())
            .then(|| unquoted(value.trim_ascii()))
    })
}

/// Splits at a separator outside quoted strings, and removes white space.
fn split(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let parts = text.split(move |byte| {
        if is_escaped {
            is_escaped = false;
            return false;
        }
        match byte {
            b'\\' => is_escaped = is_quoted,
            b'"' => is_quoted = !is_quoted,
            _ => {}
        }
        *byte == separator && !is_quoted
    });
    parts.map(<[u8]>::trim_ascii)
}

/// The content of a quoted string. Escapes stay: they are in no valid value.
fn unquoted(text: &[u8]) -> &[u8] {
    let content = text
        .strip_prefix(b"\"")
        .and_then(|text| text.strip_suffix(b"\""));
    content.unwrap_or(text)
}

/// An address as proxies write it: with or without a port, IPv6 with or without
/// brackets. `None` for `unknown` and obfuscated names such as `_hidden`.
fn address(node: &[u8]) -> Option<IpAddr> {
    let node = str::from_utf8(unquoted(node)).ok()?;
    if let Some(bracketed) = node.strip_prefix('[') {
        let (address, port) = bracketed.split_once(']')?;
        let is_complete = port.is_empty() || port.starts_with(':');
        return is_complete.then(|| v6(address)).flatten();
    }
    match node.split_once(':') {
        Some((_, rest)) if rest.contains(':') => v6(node),
        Some((address, _port)) => address.parse().ok().map(IpAddr::V4),
        None => node.parse().ok().map(IpAddr::V4),
    }
}

/// An IPv6 address without its zone, which has a meaning only on the proxy's host.
fn v6(text: &str) -> Option<IpAddr> {
    let address = text
        .split_once('%')
        .map_or(text, |(address, _zone)| address);
    let address: Ipv6Addr = address.parse().ok()?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let line = |(name, value): &(&'static str, &str)| {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            (HeaderName::from_static(name), value)
        };
        lines.iter().map(line).collect()
    }

    fn client_of(lines: &[(&'static str, &str)], trusted: usize) -> Option<String> {
        client(&headers(lines), trusted).map(|address| address.to_string())
    }

    const XFF: &str = "x-forwarded-for";

    #[test]
    fn an_address_is_read_in_every_form_that_proxies_write() {
        for (node, expected) in [
            ("203.0.113.9", Some("203.0.113.9")),
            (" 203.0.113.9 ", Some("203.0.113.9")),
            ("203.0.113.9:4711", Some("203.0.113.9")),
            ("\"203.0.113.9:4711\"", Some("203.0.113.9")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("2001:DB8:0::1", Some("2001:db8::1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("[2001:db8::1]:4711", Some("2001:db8::1")),
            ("\"[2001:db8::1]:4711\"", Some("2001:db8::1")),
            ("[2001:db8::1]:_port", Some("2001:db8::1")),
            ("fe80::1%eth0", Some("fe80::1")),
            ("[fe80::1%25eth0]:80", Some("fe80::1")),
            ("::ffff:203.0.113.9", Some("203.0.113.9")),
            ("[::ffff:203.0.113.9]:1", Some("203.0.113.9")),
            ("unknown", None),
            ("_hidden", None),
            ("", None),
            (",", None),
            ("client.example", None),
            ("203.0.113", None),
            ("203.0.113.999", None),
            ("0xcb.0.113.9", None),
            ("[203.0.113.9]", None),
            ("[2001:db8::1", None),
            ("[2001:db8::1]4711", None),
            ("2001:db8::1::2", None),
            ("token=s3cret", None),
            ("' OR 1=1", None),
            ("\"203.0.113.9", None),
            ("203.0.113.9\\", None),
            ("é", None),
        ] {
            let expected = expected.map(ToOwned::to_owned);
            assert_eq!(client_of(&[(XFF, node)], 1), expected, "{node:?}");
            if !node.contains([',', '\\']) {
                let element = format!("for={node}");
                let found = client_of(&[("forwarded", &element)], 1);
                assert_eq!(found, expected, "Forwarded: {element}");
            }
        }
    }

    #[test]
    fn as_many_entries_are_trusted_as_there_are_proxies() {
        let list = "198.51.100.1, 198.51.100.2,198.51.100.3";
        let other = "for=198.51.100.1, For=198.51.100.2;proto=http,for=198.51.100.3";
        for (trusted, expected) in [(1, "3"), (2, "2"), (3, "1"), (9, "1")] {
            let expected = Some(format!("198.51.100.{expected}"));
            assert_eq!(client_of(&[(XFF, list)], trusted), expected);
            assert_eq!(client_of(&[("forwarded", other)], trusted), expected);
        }
    }

    #[test]
    fn the_client_is_the_farthest_address_that_trusted_proxies_know() {
        for (lines, trusted, expected) in [
            // Empty entries are not part of a list.
            (&[(XFF, ", 203.0.113.9")] as &[_], 1, Some("203.0.113.9")),
            (&[(XFF, "203.0.113.9, ,")], 1, Some("203.0.113.9")),
            (&[(XFF, "203.0.113.9,, 10.0.0.1")], 2, Some("203.0.113.9")),
            // An unknown client is not one that an untrusted entry names.
            (&[(XFF, "203.0.113.9, unknown")], 1, None),
            (&[(XFF, "unknown, 10.0.0.1")], 2, Some("10.0.0.1")),
            (&[(XFF, "evil, 10.0.0.1")], 1, Some("10.0.0.1")),
            (&[(XFF, "\u{ff}, 10.0.0.1")], 1, Some("10.0.0.1")),
            // Several lines are one list.
            (
                &[(XFF, "203.0.113.9"), (XFF, "10.0.0.1")],
                1,
                Some("10.0.0.1"),
            ),
            (
                &[(XFF, "203.0.113.9"), (XFF, "10.0.0.1")],
                2,
                Some("203.0.113.9"),
            ),
            (&[(XFF, "203.0.113.9"), (XFF, "")], 1, Some("203.0.113.9")),
            (
                &[
                    ("forwarded", "for=203.0.113.9"),
                    ("forwarded", "for=10.0.0.1"),
                ],
                2,
                Some("203.0.113.9"),
            ),
            // X-Forwarded-For wins, also if it has no address.
            (
                &[("forwarded", "for=1.1.1.1"), (XFF, "203.0.113.9")],
                1,
                Some("203.0.113.9"),
            ),
            (&[("forwarded", "for=1.1.1.1"), (XFF, "unknown")], 1, None),
            // RFC 7239: names in any case, quoted strings, other parameters.
            (
                &[("forwarded", "For=\"[2001:db8:cafe::17]:4711\"")],
                1,
                Some("2001:db8:cafe::17"),
            ),
            (
                &[("forwarded", "for=192.0.2.60;proto=http;by=203.0.113.43")],
                1,
                Some("192.0.2.60"),
            ),
            (
                &[("forwarded", "by=203.0.113.43; FOR = 192.0.2.60 ;proto=http")],
                1,
                Some("192.0.2.60"),
            ),
            (&[("forwarded", "for=192.0.2.43, for=_SEVKISEK")], 1, None),
            (&[("forwarded", "for=192.0.2.43, proto=http")], 1, None),
            (
                &[("forwarded", "host=\"a,b;for=1.1.1.1\";for=192.0.2.43")],
                1,
                Some("192.0.2.43"),
            ),
            (
                &[("forwarded", "host=\"a\\\",for=1.1.1.1\";for=192.0.2.43")],
                1,
                Some("192.0.2.43"),
            ),
            (
                &[("forwarded", "for=192.0.2.43, host=\"open,for=1.1.1.1")],
                1,
                None,
            ),
            (&[("forwarded", "xfor=1.1.1.1")], 1, None),
            (&[("forwarded", ";;=,=;for")], 1, None),
            (&[], 1, None),
        ] {
            let expected = expected.map(ToOwned::to_owned);
            assert_eq!(
                client_of(lines, trusted),
                expected,
                "{lines:?}, {trusted} trusted"
            );
        }
    }

    #[test]
    fn the_scheme_is_that_of_the_original_request() {
        let xfp = "x-forwarded-proto";
        for (lines, expected) in [
            (&[(xfp, "https")] as &[_], Some("https")),
            (&[(xfp, "HTTPS")], Some("https")),
            (&[(xfp, "https,http")], Some("https")),
            (&[(xfp, "http, https")], Some("http")),
            (&[(xfp, ", https")], Some("https")),
            (&[(xfp, "https"), (xfp, "http")], Some("https")),
            (&[(xfp, "gopher")], None),
            (&[(xfp, "")], None),
            (&[("forwarded", "for=_x;proto=https")], Some("https")),
            (
                &[("forwarded", "for=_x;Proto=\"HTTPS\", proto=http")],
                Some("https"),
            ),
            (&[("forwarded", "for=_x, proto=https")], Some("https")),
            (
                &[("forwarded", "proto=http"), (xfp, "https")],
                Some("https"),
            ),
            (
                &[("forwarded", "proto=https"), (xfp, "javascript")],
                Some("https"),
            ),
            (&[], None),
        ] {
            assert_eq!(scheme(&headers(lines)), expected, "{lines:?}");
        }
    }
}
