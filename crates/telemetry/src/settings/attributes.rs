//! The resource from `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_SERVICE_NAME` and what
//! the binary knows of itself, with the specification's precedence (the SDK's
//! own detector has it the other way round and does not decode).

use opentelemetry::{Key, KeyValue, Value};
use percent_encoding::percent_decode_str;

use super::ServiceInfo;
use super::vars::Vars;
use crate::resource;

const ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";

/// The attributes of the resource, each key once: the binary's own, then those
/// of `OTEL_RESOURCE_ATTRIBUTES`, then `OTEL_SERVICE_NAME`; the last to speak wins.
pub(super) fn resource(vars: &mut Vars<'_>, service: ServiceInfo) -> Vec<KeyValue> {
    let mut attributes = resource::defaults(service);
    for (key, value) in given(vars) {
        // An empty `service.name=` is what a template leaves when nobody filled it in.
        if !(value.is_empty() && attributes.iter().any(|known| known.key.as_str() == key)) {
            set(&mut attributes, key, value);
        }
    }
    if let Some(name) = vars.text("OTEL_SERVICE_NAME") {
        set(&mut attributes, "service.name".to_owned(), name);
    }
    attributes
}

fn set(attributes: &mut Vec<KeyValue>, key: String, value: String) {
    let (key, value) = (Key::from(key), Value::from(value));
    match attributes.iter_mut().find(|known| known.key == key) {
        Some(known) => known.value = value,
        None => attributes.push(KeyValue::new(key, value)),
    }
}

/// `key=value,key=value`, percent-encoded; a problem for each member that is not that.
fn given(vars: &mut Vars<'_>) -> Vec<(String, String)> {
    let Some(text) = vars.text(ATTRIBUTES) else {
        return Vec::new();
    };
    let members = text.split(',').map(str::trim).filter(|m| !m.is_empty());
    members
        .filter_map(|member| match pair(member) {
            Ok(pair) => Some(pair),
            Err(remedy) => {
                vars.problem(ATTRIBUTES, member, remedy);
                None
            }
        })
        .collect()
}

fn pair(member: &str) -> Result<(String, String), &'static str> {
    let (key, value) = member
        .split_once('=')
        .ok_or("each member must be key=value, with a comma in a value written %2C")?;
    let (key, value) = (decode(key.trim())?, decode(value.trim())?);
    if key.is_empty() {
        return Err("each member needs a key before its =");
    }
    Ok((key, value))
}

/// Percent-decodes, strictly: a stray `%` would otherwise pass for itself here
/// and for something else in the next implementation.
pub(super) fn decode(text: &str) -> Result<String, &'static str> {
    let hex = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
    let bytes = text.as_bytes();
    let stray = bytes
        .iter()
        .enumerate()
        .any(|(i, &byte)| byte == b'%' && !(hex(bytes.get(i + 1)) && hex(bytes.get(i + 2))));
    if stray {
        return Err("must be percent-encoded: write a literal % as %25");
    }
    percent_decode_str(text)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| "percent-encoded bytes must be UTF-8")
}
