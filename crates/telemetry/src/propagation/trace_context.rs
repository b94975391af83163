//! W3C Trace Context, Level 2 (<https://www.w3.org/TR/trace-context-2/>):
//! `traceparent` and `tracestate`.
//!
//! OpenTelemetry's own propagator reads the first of several `traceparent`s,
//! takes ids and versions of any length, drops the random flag, and writes
//! `tracestate` even where there is none. This one follows the recommendation,
//! and its conformance suite.

use opentelemetry::Context;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};

pub(super) const TRACEPARENT: &str = "traceparent";
pub(super) const TRACESTATE: &str = "tracestate";

/// `random`, bit 1 of the trace flags: the trace id's last seven bytes are random.
pub(crate) const RANDOM: TraceFlags = TraceFlags::new(0x02);
/// The flags that Level 2 defines; others are zero in what is sent.
const KNOWN_FLAGS: u8 = 0x03;
/// The length of a version 00 `traceparent`.
const PARENT_LEN: usize = 55;
const DIGITS: &[u8; 16] = b"0123456789abcdef";
/// The most members that a `tracestate` may have.
const MAX_MEMBERS: usize = 32;

/// The propagator.
#[derive(Debug)]
pub(super) struct TraceContext;

/// A well-formed `tracestate` that OpenTelemetry's [`TraceState`] refuses (it
/// allows one character less behind an `@`). It goes on as it came.
#[derive(Clone, Debug)]
struct Opaque {
    trace: TraceId,
    header: String,
}

impl TextMapPropagator for TraceContext {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        let Some((parent, state)) = write(context) else {
            return;
        };
        let parent = str::from_utf8(&parent).expect("hex digits and dashes are text");
        injector.set(TRACEPARENT, parent.to_owned());
        if let Some(state) = state {
            injector.set(TRACESTATE, state);
        }
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        let parents = extractor.get_all(TRACEPARENT).unwrap_or_default();
        // More than one leaves open which is right, so none is.
        let [parent] = parents.as_slice() else {
            return context.clone();
        };
        let lists = extractor.get_all(TRACESTATE).unwrap_or_default();
        read(context, parent, lists.into_iter())
    }

    fn fields(&self) -> FieldIter<'_> {
        static FIELDS: std::sync::LazyLock<[String; 2]> =
            std::sync::LazyLock::new(|| [TRACEPARENT.to_owned(), TRACESTATE.to_owned()]);
        FieldIter::new(FIELDS.as_slice())
    }
}

/// What one `traceparent` and all `tracestate` headers say, on top of a context.
pub(super) fn read<'a>(
    context: &Context,
    parent: &str,
    lists: impl Iterator<Item = &'a str>,
) -> Context {
    let Some((trace, span, flags)) = parse(parent) else {
        return context.clone();
    };
    let with = |context: &Context, state| {
        context.with_remote_span_context(SpanContext::new(trace, span, flags, true, state))
    };
    let members = members(lists).unwrap_or_default();
    if members.is_empty() {
        return with(context, TraceState::NONE);
    }
    if let Ok(state) = TraceState::from_key_value(members.iter().copied()) {
        return with(context, state);
    }
    let header = join(&members);
    let context = context.with_value(Opaque { trace, header });
    with(&context, TraceState::NONE)
}

/// `traceparent`, and `tracestate` where there is one; `None` outside of a trace.
pub(super) fn write(context: &Context) -> Option<([u8; PARENT_LEN], Option<String>)> {
    let span = context.span();
    let span = span.span_context();
    if !span.is_valid() {
        return None;
    }
    let state = span.trace_state();
    let state = if *state == TraceState::NONE {
        let opaque = context.get::<Opaque>();
        let opaque = opaque.filter(|opaque| opaque.trace == span.trace_id());
        opaque.map(|opaque| opaque.header.clone())
    } else {
        Some(state.header())
    };
    Some((header(span), state))
}

/// `traceparent` in version 00, for `traceresponse` too, which has its form.
pub(super) fn header(span: &SpanContext) -> [u8; PARENT_LEN] {
    let mut text = [b'-'; PARENT_LEN];
    text[..2].copy_from_slice(b"00");
    write_hex(&mut text[3..35], &span.trace_id().to_bytes());
    write_hex(&mut text[36..52], &span.span_id().to_bytes());
    write_hex(&mut text[53..], &[span.trace_flags().to_u8() & KNOWN_FLAGS]);
    text
}

/// By a table: the formatting machinery would be a tenth of a hop's cost.
fn write_hex(text: &mut [u8], bytes: &[u8]) {
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 0x0f)];
    }
}

/// The ids and flags of a `traceparent`, by the rules of section 3.2.
fn parse(header: &str) -> Option<(TraceId, SpanId, TraceFlags)> {
    let bytes = header.as_bytes();
    let fields = bytes.get(..PARENT_LEN)?;
    let dashes = [2, 35, 52].iter().all(|&at| fields[at] == b'-');
    let version = hex(&fields[..2])?;
    // A later version may have more behind a further dash; version 00 may not.
    let end = match bytes.get(PARENT_LEN) {
        None => true,
        Some(next) => version != 0 && *next == b'-',
    };
    if !dashes || version == 0xff || !end {
        return None;
    }
    let high = u128::from(hex(&fields[3..19])?);
    let trace = TraceId::from(high << 64 | u128::from(hex(&fields[19..35])?));
    let span = SpanId::from(hex(&fields[36..52])?);
    let flags = u8::try_from(hex(&fields[53..])?).ok()? & KNOWN_FLAGS;
    let valid = trace != TraceId::INVALID && span != SpanId::INVALID;
    valid.then_some((trace, span, TraceFlags::new(flags)))
}

/// A number in up to 16 lowercase hex digits: `from_str_radix` would take a sign
/// and capitals.
fn hex(digits: &[u8]) -> Option<u64> {
    let mut number = 0;
    // What is no digit shows in the high bits; looked at once, behind the loop.
    let mut values = 0;
    for digit in digits {
        let value = VALUES[usize::from(*digit)];
        values |= value;
        number = number << 4 | u64::from(value & 0x0f);
    }
    (values <= 0x0f).then_some(number)
}

/// The value of each lowercase hex digit; of other bytes, one that is too high.
const VALUES: [u8; 256] = {
    let mut values = [0xff; 256];
    let mut value: u8 = 0;
    while value < 16 {
        values[DIGITS[value as usize] as usize] = value;
        value += 1;
    }
    values
};

/// The members of all `tracestate` headers, in order. `None` where they are not
/// what section 3.3 allows: then the whole list is left behind, and the trace goes on.
fn members<'a>(lists: impl Iterator<Item = &'a str>) -> Option<Vec<(&'a str, &'a str)>> {
    let mut members: Vec<(&str, &str)> = Vec::new();
    for member in lists.flat_map(|list| list.split(',')) {
        let member = member.trim_matches([' ', '\t']);
        // Empty members are allowed, and count for nothing.
        if member.is_empty() {
            continue;
        }
        let (key, value) = member.split_once('=')?;
        let known = members.iter().any(|(known, _)| *known == key);
        if known || !is_key(key) || !is_value(value) || members.len() == MAX_MEMBERS {
            return None;
        }
        members.push((key, value));
    }
    Some(members)
}

/// A key, or `tenant@system`, with the lengths that the conformance suite asks for.
fn is_key(key: &str) -> bool {
    match key.split_once('@') {
        Some((tenant, system)) => is_key_part(tenant, 241) && is_key_part(system, 14),
        None => is_key_part(key, 256),
    }
}

fn is_key_part(part: &str, longest: usize) -> bool {
    let first = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let rest = |byte: &u8| first(byte) || b"_-*/".contains(byte);
    let bytes = part.as_bytes();
    bytes.len() <= longest && bytes.first().is_some_and(first) && bytes.iter().all(rest)
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
