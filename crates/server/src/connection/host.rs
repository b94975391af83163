//! `Host` (RFC 9112, section 3.2).

use std::net::Ipv6Addr;

use http::{HeaderValue, Request, Version, header};

/// Whether a server must respond with 400: the `Host` of an HTTP/1.1 request is
/// missing, or that of any request is duplicated or invalid.
///
/// An empty `Host` is valid. The authority of an absolute-form target must be valid,
/// too; it replaces `Host`, which must exist nevertheless.
pub(super) fn is_invalid<B>(request: &Request<B>) -> bool {
    let authority = request.uri().authority();
    if authority.is_some_and(|it| !is_authority(it.as_str().as_bytes())) {
        return true;
    }
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => request.version() >= Version::HTTP_11,
        (Some(host), None) => !is_authority(HeaderValue::as_bytes(host)),
        (Some(_), Some(_)) => true,
    }
}

/// `uri-host [ ":" port ]` of RFC 3986, without user information.
fn is_authority(text: &[u8]) -> bool {
    if let Some(literal) = text.strip_prefix(b"[") {
        let Some(end) = literal.iter().position(|byte| *byte == b']') else {
            return false;
        };
        return is_ip_literal(&literal[..end]) && is_port(&literal[end + 1..]);
    }
    let colon = text.iter().position(|byte| *byte == b':');
    let (name, port) = text.split_at(colon.unwrap_or(text.len()));
    is_registered_name(name) && is_port(port)
}

fn is_ip_literal(literal: &[u8]) -> bool {
    let Ok(literal) = std::str::from_utf8(literal) else {
        return false;
    };
    literal.parse::<Ipv6Addr>().is_ok() || is_future_address(literal)
}

/// `IPvFuture`: `v1.something`.
fn is_future_address(literal: &str) -> bool {
    let Some((version, address)) = literal.split_once('.') else {
        return false;
    };
    let Some(version) = version.strip_prefix(['v', 'V']) else {
        return false;
    };
    let is_plain = |byte: &u8| is_name_byte(*byte) || *byte == b':';
    !version.is_empty()
        && version.bytes().all(|byte| byte.is_ascii_hexdigit())
        && !address.is_empty()
        && address.as_bytes().iter().all(is_plain)
}

/// Nothing, or a colon and a port, which may be empty.
fn is_port(text: &[u8]) -> bool {
    match text.split_first() {
        None | Some((b':', [])) => true,
        Some((b':', digits)) => {
            let digits = digits.iter().all(u8::is_ascii_digit).then_some(digits);
            let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
            digits.is_some_and(|digits| digits.parse::<u16>().is_ok())
        }
        Some(_) => false,
    }
}

/// `reg-name`, which may be empty. IPv4 addresses are also such names.
fn is_registered_name(name: &[u8]) -> bool {
    let mut rest = name;
    while let [first, after @ ..] = rest {
        rest = match (first, after) {
            (b'%', [high, low, after @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                after
            }
            (byte, after) if is_name_byte(*byte) => after,
            _ => return false,
        };
    }
    true
}

/// `unreserved` and `sub-delims` of RFC 3986.
fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_those_of_rfc_3986() {
        for valid in [
            "",
            "a",
            "hello",
            "a_b.example",
            "EXAMPLE.com",
            "127.0.0.1:8080",
            "[::1]",
            "[::1]:80",
            "[2001:db8::1]:",
            "[v1.a:b]",
            "host:",
            "host:0",
            "host:65535",
            "%C3%BC.example",
            "a,b",
        ] {
            assert!(is_authority(valid.as_bytes()), "{valid:?} is valid");
        }
        for invalid in [
            "a b",
            "a/b",
            "a?b",
            "a#b",
            "user@host",
            "user:password@host",
            "a:b",
            "a:65536",
            "a:1:2",
            "::1",
            "[::1",
            "[]",
            "[::1]a",
            "[::1%25eth0]",
            "[127.0.0.1]",
            "[v.a]",
            "a]",
            "%",
            "%zz",
            "\u{fc}.example",
            "a\tb",
            "a\\b",
            "<a>",
            "\"a\"",
            "http://a",
        ] {
            assert!(!is_authority(invalid.as_bytes()), "{invalid:?} is invalid");
        }
    }
}
