//! W3C Baggage (<https://www.w3.org/TR/baggage/>), within its limits of 64
//! members and 8192 bytes.
//!
//! OpenTelemetry's own propagator cuts a value at its second `=` (so much for
//! base64), reads the first of several headers only, and logs what it cannot
//! read, which may be a secret.

use opentelemetry::Context;
use opentelemetry::baggage::{Baggage as Entries, BaggageExt};
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use percent_encoding::{
    AsciiSet, CONTROLS, PercentEncode, percent_decode_str, utf8_percent_encode,
};

pub(super) const BAGGAGE: &str = "baggage";
/// Bytes of all headers together; beyond it none of them is read.
const MAX_BYTES: usize = 8192;
/// Members of the list; those beyond it are not read.
const MAX_MEMBERS: usize = 64;
/// What `baggage-octet` leaves out, and `%` itself.
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
        if let Some(header) = write(context) {
            injector.set(BAGGAGE, header);
        }
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        match extractor.get_all(BAGGAGE) {
            Some(headers) => read(context, &headers),
            None => context.clone(),
        }
    }

    fn fields(&self) -> FieldIter<'_> {
        static FIELDS: std::sync::LazyLock<[String; 1]> =
            std::sync::LazyLock::new(|| [BAGGAGE.to_owned()]);
        FieldIter::new(FIELDS.as_slice())
    }
}

/// What all `baggage` headers say, on top of a context.
pub(super) fn read(context: &Context, headers: &[&str]) -> Context {
    if headers.iter().map(|header| header.len()).sum::<usize>() > MAX_BYTES {
        return context.clone();
    }
    let mut entries = Entries::new();
    let members = headers.iter().flat_map(|header| header.split(','));
    for (key, value, properties) in members.filter_map(member).take(MAX_MEMBERS) {
        // Refuses a key that is no token; the others go on.
        entries.insert_with_metadata(key.to_owned(), value, properties);
    }
    if entries.is_empty() {
        return context.clone();
    }
    context.with_baggage(entries)
}

/// `baggage`; `None` where there is none.
pub(super) fn write(context: &Context) -> Option<String> {
    let baggage = context.baggage();
    if baggage.is_empty() {
        return None;
    }
    let mut members: Vec<_> = baggage.iter().collect();
    // They come from a hash map: the same baggage should be the same header.
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
    Some(header)
}

/// A value as it is written into a header.
pub(super) fn encode(value: &str) -> PercentEncode<'_> {
    utf8_percent_encode(value, ENCODED)
}

/// Key, value and properties (as they came) of `key=value;property;property=value`.
fn member(member: &str) -> Option<(&str, String, String)> {
    let (pair, properties) = member.split_once(';').unwrap_or((member, ""));
    let (key, value) = pair.split_once('=')?;
    let value = percent_decode_str(value.trim()).decode_utf8_lossy();
    Some((key.trim(), value.into_owned(), properties.trim().to_owned()))
}
