//! W3C Baggage (<https://www.w3.org/TR/baggage/>), within its limits of 64
//! members and 8192 bytes.
//!
//! OpenTelemetry's own propagator drops everything after the second `=` of a
//! member (so base64 values lose their padding), reads only the first of several
//! headers, and logs values that it cannot read, which may be secrets.

use std::sync::LazyLock;

use opentelemetry::Context;
use opentelemetry::baggage::{Baggage as Entries, BaggageExt};
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use percent_encoding::{
    AsciiSet, CONTROLS, PercentEncode, percent_decode_str, utf8_percent_encode,
};

const BAGGAGE: &str = "baggage";
/// The maximum length of all headers together, in bytes; longer ones are ignored.
pub(super) const MAX_BYTES: usize = 8192;
/// The maximum number of members; further ones are ignored.
pub(super) const MAX_MEMBERS: usize = 64;
/// The characters that are not a `baggage-octet`, and `%` itself.
const ENCODED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b',')
    .add(b';')
    .add(b'\\')
    .add(b'%');

/// The propagator.
#[derive(Debug)]
pub(super) struct Baggage;

impl TextMapPropagator for Baggage {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        let baggage = context.baggage();
        if !baggage.is_empty() {
            injector.set(BAGGAGE, write(baggage));
        }
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        let headers = extractor.get_all(BAGGAGE).unwrap_or_default();
        let baggage = read(&headers);
        if baggage.is_empty() {
            context.clone()
        } else {
            context.with_baggage(baggage)
        }
    }

    fn fields(&self) -> FieldIter<'_> {
        static FIELDS: LazyLock<[String; 1]> = LazyLock::new(|| [BAGGAGE.to_owned()]);
        FieldIter::new(FIELDS.as_slice())
    }
}

fn read(headers: &[&str]) -> Entries {
    let mut entries = Entries::new();
    if headers.iter().map(|header| header.len()).sum::<usize>() > MAX_BYTES {
        return entries;
    }
    let members = headers.iter().flat_map(|header| header.split(','));
    for (key, value, properties) in members.filter_map(member).take(MAX_MEMBERS) {
        // A key that is not a token is ignored.
        entries.insert_with_metadata(key.to_owned(), value, properties);
    }
    entries
}

fn write(baggage: &Entries) -> String {
    let mut members: Vec<_> = baggage.iter().collect();
    // They come from a hash map; the same baggage should make the same header.
    members.sort_by(|a, b| a.0.cmp(b.0));
    let mut header = String::new();
    for (key, (value, properties)) in members {
        let properties = properties.as_str();
        let separator = if properties.is_empty() { "" } else { ";" };
        let member = format!("{key}={}{separator}{properties}", encode(value.as_str()));
        // Encoding makes a value up to three times as long.
        if header.len() + 1 + member.len() > MAX_BYTES {
            continue;
        }
        if !header.is_empty() {
            header.push(',');
        }
        header.push_str(&member);
    }
    header
}

/// A value as it is written into a header.
pub(super) fn encode(value: &str) -> PercentEncode<'_> {
    utf8_percent_encode(value, ENCODED)
}

/// Key, value and properties (unchanged) of `key=value;property;property=value`.
fn member(member: &str) -> Option<(&str, String, String)> {
    let (pair, properties) = member.split_once(';').unwrap_or((member, ""));
    let (key, value) = pair.split_once('=')?;
    let value = percent_decode_str(value.trim()).decode_utf8_lossy();
    Some((key.trim(), value.into_owned(), properties.trim().to_owned()))
}
