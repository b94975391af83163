//! HTTP headers as OpenTelemetry's carriers.
//!
//! `opentelemetry-http` has such carriers too; its reader leaves out values that
//! are no text, so that a second, broken `traceparent` would go unseen.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::propagation::{Extractor, Injector};

/// Reads headers.
pub(super) struct HeaderReader<'a>(pub(super) &'a HeaderMap);

impl Extractor for HeaderReader<'_> {
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

/// A value that is no visible ASCII is there, but says nothing.
pub(super) fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or_default()
}

/// Writes headers, each over what was there under its name.
pub(super) struct HeaderWriter<'a>(pub(super) &'a mut HeaderMap);

impl Injector for HeaderWriter<'_> {
    fn set(&mut self, key: &str, value: String) {
        let name = HeaderName::from_bytes(key.as_bytes());
        // Propagators write only what HTTP can carry; anything else would be
        // refused by the next hop, so it is not sent.
        if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}
