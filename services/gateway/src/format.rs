//! Content negotiation: the public API responds in plain text or JSON.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use server::response::{json_error, text_error};

/// The format of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Json,
}

impl Format {
    /// The first of `application/json` and `text/plain` that the `Accept`
    /// headers name, except with `q=0`. Text by default, also for `*/*`, which
    /// curl and browsers send.
    pub(crate) fn accepted(headers: &HeaderMap) -> Self {
        headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .find_map(Self::of_media_range)
            .unwrap_or(Self::Text)
    }

    fn of_media_range(range: &str) -> Option<Self> {
        let mut parts = range.split(';').map(str::trim);
        let format = match parts.next()?.to_ascii_lowercase().as_str() {
            "application/json" => Self::Json,
            "text/plain" => Self::Text,
            _ => return None,
        };
        let weight_is_zero = |part: &str| {
            let weight = part.strip_prefix("q=").map(str::parse);
            weight == Some(Ok(0.0))
        };
        (!parts.any(weight_is_zero)).then_some(format)
    }

    /// An error response in this format.
    pub(crate) fn error(self, status: StatusCode, error: &str) -> Response {
        match self {
            Self::Text => text_error(status, error),
            Self::Json => json_error(status, error),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Format {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::accepted(&parts.headers))
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn accepted(accept: &'static str) -> Format {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        Format::accepted(&headers)
    }

    #[test]
    fn json_needs_an_accept_header_that_names_it() {
        assert_eq!(Format::accepted(&HeaderMap::new()), Format::Text);
        for (accept, expected) in [
            ("*/*", Format::Text),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Format::Text),
            ("application/json", Format::Json),
            ("Application/JSON; charset=utf-8", Format::Json),
            ("text/html, application/json;q=0.9", Format::Json),
            ("text/plain, application/json", Format::Text),
            ("application/json;q=0, */*", Format::Text),
        ] {
            assert_eq!(accepted(accept), expected, "Accept: {accept}");
        }
    }
}
