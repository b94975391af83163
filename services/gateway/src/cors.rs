//! Cross-origin requests: which web pages may call the public API from a browser.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};
use url::Url;

/// How long a browser may remember the response to a preflight request. Browsers have
/// maximums of their own, of at most a day.
const MAX_AGE: Duration = Duration::from_hours(1);

/// The headers of trace context in every format that `OTEL_PROPAGATORS` can name.
const TRACE_HEADERS: [HeaderName; 10] = [
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    HeaderName::from_static("baggage"),
    HeaderName::from_static("b3"),
    HeaderName::from_static("x-b3-traceid"),
    HeaderName::from_static("x-b3-spanid"),
    HeaderName::from_static("x-b3-parentspanid"),
    HeaderName::from_static("x-b3-sampled"),
    HeaderName::from_static("x-b3-flags"),
    HeaderName::from_static("uber-trace-id"),
];

/// The origins whose pages may call the public API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origins {
    /// None: responses have no CORS headers.
    #[default]
    None,
    /// Every origin.
    Any,
    /// These.
    Only(Vec<HeaderValue>),
}

/// Parses `*`, or comma-separated origins as browsers send them in `Origin`.
pub(crate) fn origins(text: &str) -> Result<Origins, String> {
    let parts = text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    let parts: Vec<_> = parts.collect();
    match parts[..] {
        [] => Ok(Origins::None),
        ["*"] => Ok(Origins::Any),
        _ => parts
            .into_iter()
            .map(origin)
            .collect::<Result<_, _>>()
            .map(Origins::Only),
    }
}

/// An origin is a scheme, a host, and a port unless it is the scheme's default. Any
/// other text would never be equal to what a browser sends.
fn origin(text: &str) -> Result<HeaderValue, String> {
    const HINT: &str = "write * or origins such as https://shop.example or http://localhost:3000";
    if text.contains('*') {
        return Err(format!("patterns are not supported; {HINT}"));
    }
    let Ok(url) = text.parse::<Url>() else {
        return Err(format!("an entry is not a URL; {HINT}"));
    };
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!(
            "the scheme of an origin must be http or https; {HINT}"
        ));
    }
    let origin = url.origin().ascii_serialization();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b":/.-_[]".contains(&byte);
    if !origin.bytes().all(is_plain) {
        return Err(format!("the host of an entry is invalid; {HINT}"));
    }
    if origin != text {
        return Err(format!(
            "an entry has more than scheme, host and port, or a default port; write {origin}"
        ));
    }
    HeaderValue::from_str(&origin).map_err(|_| format!("an entry is not an origin; {HINT}"))
}

/// The layer for these origins. It responds to preflight requests by itself.
pub(crate) fn layer(origins: &Origins) -> Option<CorsLayer> {
    let origin = match origins {
        Origins::None => return None,
        Origins::Any => AllowOrigin::any(),
        Origins::Only(origins) => AllowOrigin::list(origins.clone()),
    };
    let mut headers = TRACE_HEADERS.to_vec();
    headers.push(header::CONTENT_TYPE);
    let layer = CorsLayer::new()
        .allow_origin(origin)
        .allow_methods([Method::GET, Method::HEAD])
        .allow_headers(headers)
        .expose_headers([HeaderName::from_static("traceresponse")])
        .max_age(MAX_AGE);
    Some(layer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_written_as_browsers_send_them() {
        assert_eq!(origins(""), Ok(Origins::None));
        assert_eq!(origins(" * "), Ok(Origins::Any));
        let list = [
            "https://shop.example",
            "http://localhost:3000",
            "http://[::1]:8080",
        ];
        let expected = list.map(HeaderValue::from_static).to_vec();
        assert_eq!(origins(&list.join(" , ")), Ok(Origins::Only(expected)));
    }

    #[test]
    fn an_origin_that_no_browser_sends_is_rejected_with_a_hint() {
        for (text, hint) in [
            ("https://shop.example/", "write https://shop.example"),
            ("https://shop.example/cart", "write https://shop.example"),
            (
                "https://shop.example?x=s3cret",
                "write https://shop.example",
            ),
            ("https://shop.example#x", "write https://shop.example"),
            (
                "https://me:s3cret@shop.example",
                "write https://shop.example",
            ),
            ("https://shop.example:443", "write https://shop.example"),
            ("http://shop.example:80", "write http://shop.example"),
            ("HTTPS://Shop.example", "write https://shop.example"),
            (
                "https://bücher.example",
                "write https://xn--bcher-kva.example",
            ),
            ("shop.example", "write * or origins"),
            ("shop.example:8080", "http or https"),
            ("localhost", "write * or origins"),
            ("null", "write * or origins"),
            ("ftp://shop.example", "http or https"),
            ("file:///index.html", "http or https"),
            ("https://", "write * or origins"),
            ("https://*.shop.example", "patterns are not supported"),
            ("*,https://shop.example", "patterns are not supported"),
            (
                "https://shop.example;https://b.example",
                "write * or origins",
            ),
            (
                "https://shop.example https://b.example",
                "write * or origins",
            ),
        ] {
            let error = origins(text).expect_err(text);
            assert!(
                error.contains(hint),
                "{text} must be rejected with {hint:?}, not {error:?}"
            );
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
