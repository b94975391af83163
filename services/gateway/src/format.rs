//! Content negotiation (RFC 9110, section 12.5.1): the public API responds in plain
//! text or JSON.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use server::response::{json_error, text_error};

/// The format of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Json,
}

impl Format {
    /// The format with the greater weight in the `Accept` headers. If both weigh the
    /// same: the one that is named more specifically, then the one that is named first,
    /// then text, which is also for `*/*`, as curl and browsers send it.
    ///
    /// If neither is acceptable, the headers are disregarded, as the RFC permits: text
    /// is more useful to a caller than a 406.
    pub(crate) fn accepted(headers: &HeaderMap) -> Self {
        if !headers.contains_key(header::ACCEPT) {
            return Self::Text;
        }
        let json = Preference::of(headers, "application", "json");
        let text = Preference::of(headers, "text", "plain");
        if json > text { Self::Json } else { Self::Text }
    }

    /// An error response in this format.
    pub(crate) fn error(self, status: StatusCode, error: &str) -> Response {
        let mut response = match self {
            Self::Text => text_error(status, error),
            Self::Json => json_error(status, error),
        };
        Self::mark(&mut response);
        response
    }

    /// Marks a response as one that depends on `Accept`, for caches.
    pub(crate) fn mark(response: &mut Response) {
        let accept = HeaderValue::from_static("accept");
        response.headers_mut().append(header::VARY, accept);
    }
}

impl<S: Sync> FromRequestParts<S> for Format {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::accepted(&parts.headers))
    }
}

/// How much a client wants a media type. The greater one wins; the default is a type
/// that is not acceptable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Preference {
    /// In thousandths.
    weight: u16,
    specificity: u8,
    /// Minus the position in the list.
    order: i16,
}

impl Preference {
    /// What the most specific media range says about a type.
    fn of(headers: &HeaderMap, kind: &str, subtype: &str) -> Self {
        let lines = headers.get_all(header::ACCEPT).iter();
        let lines = lines.filter_map(|line| line.to_str().ok());
        let ranges = lines.flat_map(|line| split(line, ',')).zip(1_i16..);
        let matching = ranges.filter_map(|(range, position)| {
            let (specificity, weight) = matched(range, kind, subtype)?;
            let order = -position;
            Some(Self {
                weight,
                specificity,
                order,
            })
        });
        let most_specific = matching.max_by_key(|it| (it.specificity, it.weight, it.order));
        most_specific
            .filter(|preference| preference.weight > 0)
            .unwrap_or_default()
    }
}

/// The specificity and the weight of a media range that includes the type. `None` for
/// another range, and for one that is malformed.
fn matched(range: &str, kind: &str, subtype: &str) -> Option<(u8, u16)> {
    let mut parts = split(range, ';');
    let (range_kind, range_subtype) = parts.next()?.split_once('/')?;
    let is_kind = range_kind.eq_ignore_ascii_case(kind);
    let is_exact = is_kind && range_subtype.eq_ignore_ascii_case(subtype);
    let mut specificity = match (range_kind, range_subtype) {
        ("*", "*") => 0,
        (_, "*") if is_kind => 1,
        // 2 is for parameters that the response does not have: `text/plain;format=flowed`
        // is taken for `text/plain` if nothing else fits.
        _ if is_exact => 3,
        _ => return None,
    };
    let mut weight = 1000;
    for parameter in parts.filter(|part| !part.is_empty()) {
        let (name, value) = parameter.split_once('=')?;
        if name.eq_ignore_ascii_case("q") {
            weight = thousandths(value)?;
        } else if specificity >= 2 {
            let is_own = name.eq_ignore_ascii_case("charset")
                && value.trim_matches('"').eq_ignore_ascii_case("utf-8");
            specificity = if is_own { 4 } else { 2 };
        }
    }
    Some((specificity, weight))
}

/// A weight: 0 to 1 with at most three decimals.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let decimals: u16 = format!("{decimals:0<3}").parse().ok()?;
    match whole {
        "0" => Some(decimals),
        "1" if decimals == 0 => Some(1000),
        _ => None,
    }
}

/// Splits at a separator outside quoted strings, and removes white space.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let parts = text.split(move |character| {
        if is_escaped {
            is_escaped = false;
            return false;
        }
        match character {
            '\\' => is_escaped = is_quoted,
            '"' => is_quoted = !is_quoted,
            _ => {}
        }
        character == separator && !is_quoted
    });
    parts.map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(lines: &[&'static str]) -> Format {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::ACCEPT, HeaderValue::from_static(line));
        }
        Format::accepted(&headers)
    }

    #[test]
    fn the_format_follows_the_weights_of_accept() {
        assert_eq!(accepted(&[]), Format::Text);
        for (accept, expected) in [
            // Nothing that decides.
            ("", Format::Text),
            ("*/*", Format::Text),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Format::Text),
            ("application/*, text/*", Format::Json),
            ("text/*, application/*", Format::Text),
            // Named.
            ("application/json", Format::Json),
            ("text/plain", Format::Text),
            ("Application/JSON; charset=utf-8", Format::Json),
            ("application/json;version=2", Format::Json),
            ("application/json;x=\"a,b;q=0\"", Format::Json),
            ("text/html, application/json;q=0.9", Format::Json),
            ("application/*", Format::Json),
            ("text/*", Format::Text),
            // The same weight: more specific, then first.
            ("application/json, */*", Format::Json),
            ("*/*, application/json", Format::Json),
            ("text/*, application/json", Format::Json),
            ("application/json, text/plain, */*", Format::Json),
            ("text/plain, application/json", Format::Text),
            // Weights.
            ("text/plain;q=0.5, application/json", Format::Json),
            ("text/plain;q=0.5, application/json;q=0.4", Format::Text),
            ("text/plain;q=0.123, application/json;q=0.124", Format::Json),
            ("text/*;q=0.5, application/json", Format::Json),
            ("application/json;q=0.5, text/*", Format::Text),
            ("application/json;q=0.5, */*", Format::Text),
            ("application/json;q=0.5, */*;q=0.1", Format::Json),
            ("text/plain;Q=0.5, application/json;Q=0.6", Format::Json),
            (
                "text/plain ; q=0.5 , application/json ; q=0.6",
                Format::Json,
            ),
            ("text/plain;q=1.000, application/json;q=0.999", Format::Text),
            // The most specific range decides, wherever it stands.
            ("text/plain;q=0.2, */*;q=0.9", Format::Json),
            ("*/*;q=0.9, text/plain;q=0.2", Format::Json),
            (
                "text/*, text/plain;q=0.2, application/json;q=0.5",
                Format::Json,
            ),
            (
                "text/plain;q=0.2, text/plain;charset=utf-8, application/json;q=0.5",
                Format::Text,
            ),
            (
                "text/plain;format=flowed, text/plain;q=0.2, application/json;q=0.5",
                Format::Json,
            ),
            // Not acceptable.
            ("application/json;q=0, */*", Format::Text),
            ("text/plain;q=0, */*", Format::Json),
            ("text/plain;q=0.0, application/*", Format::Json),
            ("text/*;q=0, */*;q=0.1", Format::Json),
            ("application/json;q=0.000, text/html", Format::Text),
            // Neither is acceptable.
            ("image/png", Format::Text),
            ("*/*;q=0", Format::Text),
            ("application/json;q=0", Format::Text),
            // Malformed ranges are ignored.
            ("application/json;q=2, text/plain;q=0.1", Format::Text),
            ("application/json;q=-1, text/plain;q=0.1", Format::Text),
            ("application/json;q=, text/plain;q=0.1", Format::Text),
            ("application/json;q=0.1234, text/plain;q=0.1", Format::Text),
            ("application/json;q=.9, text/plain;q=0.1", Format::Text),
            ("application/json;q=1.1, text/plain;q=0.1", Format::Text),
            ("application/json;q=NaN, text/plain;q=0.1", Format::Text),
            ("application/json;q, text/plain;q=0.1", Format::Text),
            ("json, application/json/x, /, ;, ,", Format::Text),
            (", ,application/json,", Format::Json),
            ("*/json", Format::Text),
        ] {
            assert_eq!(accepted(&[accept]), expected, "Accept: {accept}");
        }
    }

    #[test]
    fn several_accept_headers_are_one_list() {
        assert_eq!(accepted(&["text/html", "application/json"]), Format::Json);
        let lines = ["text/plain;q=0.1", "application/json;q=0.2", "*/*"];
        assert_eq!(accepted(&lines), Format::Json);
        assert_eq!(accepted(&["text/plain", "application/json"]), Format::Text);
    }
}
