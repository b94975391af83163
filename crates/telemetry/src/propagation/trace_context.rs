//! W3C Trace Context, Level 2 (<https://www.w3.org/TR/trace-context-2/>):
//! `traceparent` and `tracestate`.
//!
//! OpenTelemetry's own propagator does not pass the W3C's conformance suite: it
//! reads the first of several `traceparent` headers, accepts ids and versions of
//! any length, drops the random flag, and writes an empty `tracestate`.

use std::sync::LazyLock;

use opentelemetry::Context;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};

use crate::hex;

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";

/// `random`, bit 1 of the trace flags: the trace id's last seven bytes are random.
pub(crate) const RANDOM: TraceFlags = TraceFlags::new(0x02);
/// The flags that Level 2 defines; all others are sent as zero.
pub(crate) const KNOWN_FLAGS: TraceFlags = TraceFlags::new(0x03);
/// The length of a version 00 `traceparent`.
const PARENT_LEN: usize = 55;
/// The maximum number of members of a `tracestate`.
const MAX_MEMBERS: usize = 32;

/// The propagator.
#[derive(Debug)]
pub(super) struct TraceContext;

/// A valid `tracestate` that OpenTelemetry's [`TraceState`] cannot hold: it follows
/// Level 1, which limits the number and the place of `@` in a key. The list is passed
/// on unchanged; spans record the members that [`TraceState`] accepts.
#[derive(Clone, Debug)]
struct Unchanged {
    trace: TraceId,
    header: String,
}

impl TextMapPropagator for TraceContext {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        let span = context.span();
        let span = span.span_context();
        if !span.is_valid() {
            return;
        }
        let parent = traceparent(span);
        let parent = str::from_utf8(&parent).expect("hex digits and dashes are text");
        injector.set(TRACEPARENT, parent.to_owned());
        if let Some(list) = context.get::<Unchanged>()
            && list.trace == span.trace_id()
        {
            injector.set(TRACESTATE, list.header.clone());
        } else if *span.trace_state() != TraceState::NONE {
            injector.set(TRACESTATE, span.trace_state().header());
        }
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        let parents = extractor.get_all(TRACEPARENT).unwrap_or_default();
        // Of several headers, none is known to be the right one.
        let [parent] = parents.as_slice() else {
            return context.clone();
        };
        let Some((trace, span, flags)) = parse(parent) else {
            return context.clone();
        };
        let span_context = |state| SpanContext::new(trace, span, flags, true, state);
        let lists = extractor.get_all(TRACESTATE).unwrap_or_default();
        let members = members(&lists).unwrap_or_default();
        if members.is_empty() {
            return context.with_remote_span_context(span_context(TraceState::NONE));
        }
        if let Ok(state) = TraceState::from_key_value(members.iter().copied()) {
            return context.with_remote_span_context(span_context(state));
        }
        let header = join(&members);
        let known = members
            .iter()
            .copied()
            .filter(|member| TraceState::from_key_value([*member]).is_ok());
        let state = TraceState::from_key_value(known).unwrap_or_default();
        context
            .with_value(Unchanged { trace, header })
            .with_remote_span_context(span_context(state))
    }

    fn fields(&self) -> FieldIter<'_> {
        static FIELDS: LazyLock<[String; 2]> =
            LazyLock::new(|| [TRACEPARENT.to_owned(), TRACESTATE.to_owned()]);
        FieldIter::new(FIELDS.as_slice())
    }
}

/// `traceparent` in version 00. `traceresponse` has the same form.
pub(super) fn traceparent(span: &SpanContext) -> [u8; PARENT_LEN] {
    let mut text = [b'-'; PARENT_LEN];
    text[..2].copy_from_slice(b"00");
    hex::write(&mut text[3..35], &span.trace_id().to_bytes());
    hex::write(&mut text[36..52], &span.span_id().to_bytes());
    hex::write(
        &mut text[53..],
        &[(span.trace_flags() & KNOWN_FLAGS).to_u8()],
    );
    text
}

/// The ids and flags of a `traceparent`, by the rules of section 3.2.
fn parse(header: &str) -> Option<(TraceId, SpanId, TraceFlags)> {
    // HTTP/1 removes the white space around a value; other carriers may not.
    let bytes = header.trim_matches([' ', '\t']).as_bytes();
    let fields = bytes.get(..PARENT_LEN)?;
    let dashes = [2, 35, 52].iter().all(|&index| fields[index] == b'-');
    let version = hex::read(&fields[..2])?;
    // A later version may add fields after a further dash; version 00 may not.
    let end = match bytes.get(PARENT_LEN) {
        None => true,
        Some(next) => version != 0 && *next == b'-',
    };
    if !dashes || version == 0xff || !end {
        return None;
    }
    let high = u128::from(hex::read(&fields[3..19])?);
    let trace = TraceId::from(high << 64 | u128::from(hex::read(&fields[19..35])?));
    let span = SpanId::from(hex::read(&fields[36..52])?);
    let flags = u8::try_from(hex::read(&fields[53..])?).ok()?;
    let valid = trace != TraceId::INVALID && span != SpanId::INVALID;
    valid.then_some((trace, span, TraceFlags::new(flags) & KNOWN_FLAGS))
}

/// The members of all `tracestate` headers, in order, of each key the first. `None` if
/// section 3.3 does not allow them: then the complete list is dropped, and the trace is
/// continued.
fn members<'a>(lists: &[&'a str]) -> Option<Vec<(&'a str, &'a str)>> {
    let mut members: Vec<(&str, &str)> = Vec::new();
    let mut count = 0;
    for member in lists.iter().flat_map(|list| list.split(',')) {
        let member = member.trim_matches([' ', '\t']);
        // Empty members are allowed and ignored.
        if member.is_empty() {
            continue;
        }
        count += 1;
        let (key, value) = member.split_once('=')?;
        if !is_key(key) || !is_value(value) || count > MAX_MEMBERS {
            return None;
        }
        if members.iter().all(|(known, _)| *known != key) {
            members.push((key, value));
        }
    }
    Some(members)
}

/// A key of Level 2: a lowercase letter or digit, then up to 255 of these and `_-*/@`.
fn is_key(key: &str) -> bool {
    let first = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let rest = |byte: &u8| first(byte) || b"_-*/@".contains(byte);
    let bytes = key.as_bytes();
    bytes.len() <= 256 && bytes.first().is_some_and(first) && bytes.iter().all(rest)
}

fn is_value(value: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b' '..=b'~') && byte != b',' && byte != b'=';
    !value.is_empty() && value.len() <= 256 && value.bytes().all(allowed) && !value.ends_with(' ')
}

fn join(members: &[(&str, &str)]) -> String {
    let members: Vec<String> = members
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    members.join(",")
}
