//! HTTP headers as a carrier.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::propagation::Extractor;

/// Reads HTTP headers.
///
/// `opentelemetry_http::HeaderExtractor` leaves out values that are not ASCII.
/// Then a valid `traceparent` next to an invalid one would look like a single
/// one; the W3C recommendation requires that both are ignored.
pub struct HeaderExtractor<'a>(pub &'a HeaderMap);

impl Extractor for HeaderExtractor<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(text)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        let values: Vec<&str> = self.0.get_all(key).iter().map(text).collect();
        (!values.is_empty()).then_some(values)
    }
}

/// Stands for a value that is not ASCII. No header that is read here allows it.
pub(super) const INVALID: &str = "\u{fffd}";

fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or(INVALID)
}
