//! The resource attributes: those of the binary, then `OTEL_RESOURCE_ATTRIBUTES`,
//! then `OTEL_SERVICE_NAME`, with the specification's precedence. (The SDK's own
//! detector lets `OTEL_RESOURCE_ATTRIBUTES` override `OTEL_SERVICE_NAME`, and does
//! not percent-decode.)

use opentelemetry::{Key, KeyValue, Value};
use opentelemetry_sdk::resource::{ResourceDetector, TelemetryResourceDetector};
use uuid::Uuid;

use super::environment::Environment;
use super::model::ServiceInfo;
use super::percent::decode;

const ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";

/// All resource attributes, each key once.
pub(super) fn read(env: &mut Environment<'_>, service: ServiceInfo) -> Vec<KeyValue> {
    let mut attributes = defaults(service);
    for (key, value) in from_variable(env) {
        // An empty `service.name=` is typical of an unset placeholder in a template.
        if !(value.is_empty() && attributes.iter().any(|known| known.key.as_str() == key)) {
            set(&mut attributes, key, value);
        }
    }
    if let Some(name) = env.text("OTEL_SERVICE_NAME") {
        set(&mut attributes, "service.name".to_owned(), name);
    }
    attributes
}

/// Service, a random `service.instance.id`, and the SDK's name and version.
fn defaults(service: ServiceInfo) -> Vec<KeyValue> {
    let sdk = TelemetryResourceDetector.detect();
    let mut sdk: Vec<_> = sdk
        .iter()
        .map(|(key, value)| KeyValue::new(key.clone(), value.clone()))
        .collect();
    // The detector's order changes with each run; the order of a log should not.
    sdk.sort_by(|a, b| a.key.cmp(&b.key));
    let mut attributes = vec![
        KeyValue::new("service.name", service.name),
        KeyValue::new("service.version", service.version),
        KeyValue::new("service.instance.id", Uuid::new_v4().to_string()),
    ];
    attributes.extend(sdk);
    attributes
}

fn set(attributes: &mut Vec<KeyValue>, key: String, value: String) {
    let (key, value) = (Key::from(key), Value::from(value));
    match attributes.iter_mut().find(|known| known.key == key) {
        Some(known) => known.value = value,
        None => attributes.push(KeyValue::new(key, value)),
    }
}

/// `key=value,key=value`, percent-encoded. The specification discards the complete value
/// if one member is invalid.
fn from_variable(env: &mut Environment<'_>) -> Vec<(String, String)> {
    let Some(text) = env.text(ATTRIBUTES) else {
        return Vec::new();
    };
    let members = text.split(',').map(str::trim).filter(|m| !m.is_empty());
    let mut pairs = Vec::new();
    for member in members {
        match pair(member) {
            Ok(pair) => pairs.push(pair),
            Err(hint) => {
                let fallback = "the complete variable is ignored";
                env.warn(ATTRIBUTES, Some(member), hint, fallback);
                return Vec::new();
            }
        }
    }
    pairs
}

fn pair(member: &str) -> Result<(String, String), &'static str> {
    let (key, value) = member
        .split_once('=')
        .ok_or("each member must be key=value; write a comma in a value as %2C")?;
    let (key, value) = (decode(key.trim())?, decode(value.trim())?);
    if key.is_empty() {
        return Err("each member needs a key before the =");
    }
    Ok((key, value))
}
