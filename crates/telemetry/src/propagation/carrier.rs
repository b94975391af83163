//! HTTP headers as OpenTelemetry's carriers.
//!
//! `opentelemetry-http` has such carriers too; its reader leaves out values that
//! are no text, so that a second, broken `traceparent` would go unseen.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::propagation::{Extractor, Injector};

/// The names of every request, which are not parsed again for each.
static USUAL: [HeaderName; 3] = [
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    HeaderName::from_static("baggage"),
];

fn usual(key: &str) -> Option<&'static HeaderName> {
    USUAL.iter().find(|name| name.as_str() == key)
}

/// Reads headers.
pub(super) struct HeaderReader<'a>(pub(super) &'a HeaderMap);

impl Extractor for HeaderReader<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let value = match usual(key) {
            Some(name) => self.0.get(name),
            None => self.0.get(key),
        };
        value.map(text)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        let values = match usual(key) {
            Some(name) => self.0.get_all(name),
            None => self.0.get_all(key),
        };
        let values: Vec<&str> = values.iter().map(text).collect();
        (!values.is_empty()).then_some(values)
    }
}

/// A value that is no visible ASCII is there, but says nothing.
fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or_default()
}

/// Writes headers, each over what was there under its name.
pub(super) struct HeaderWriter<'a>(pub(super) &'a mut HeaderMap);

impl Injector for HeaderWriter<'_> {
    fn set(&mut self, key: &str, value: String) {
        let name = match usual(key) {
            Some(name) => Ok(name.clone()),
            None => HeaderName::from_bytes(key.as_bytes()),
        };
        // Propagators write only what HTTP can carry; anything else would be
        // refused by the next hop, so it is not sent.
        if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}
