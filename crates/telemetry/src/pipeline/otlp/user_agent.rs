//! The name under which the exporter sends.

use http::HeaderValue;

/// `User-Agent`, as the OTLP exporter specification defines it.
pub(super) const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!(
    "OTel-OTLP-Exporter-Rust/",
    env!("CARGO_PKG_VERSION")
));
