//! Tags of Jaeger and Zipkin that stand for fields of OpenTelemetry, and their values.

use crate::json::from_base64;
use crate::model::{Attributes, Scope, SpanKind, Value};

/// Removes a tag that is a string.
pub(super) fn take_text(tags: &mut Attributes, key: &str) -> Option<String> {
    let text = tags.get(key)?.as_str()?.to_owned();
    tags.remove(key);
    Some(text)
}

/// The kind in the tag `span.kind`; without it, the span is internal.
pub(super) fn kind(tags: &mut Attributes) -> SpanKind {
    tags.remove("internal.span.format");
    let kind = match tags.get("span.kind").and_then(Value::as_str) {
        None | Some("internal") => SpanKind::Internal,
        Some("server") => SpanKind::Server,
        Some("client") => SpanKind::Client,
        Some("producer") => SpanKind::Producer,
        Some("consumer") => SpanKind::Consumer,
        Some("unspecified") => SpanKind::Unspecified,
        Some(_) => return SpanKind::Unspecified,
    };
    tags.remove("span.kind");
    kind
}

/// The scope in the tags `otel.scope.*`, before 2022 `otel.library.*`.
pub(super) fn scope(tags: &mut Attributes) -> Scope {
    let mut take = |names: [&str; 2]| {
        let found = names.map(|name| take_text(tags, name));
        found.into_iter().flatten().next().unwrap_or_default()
    };
    Scope {
        name: take(["otel.scope.name", "otel.library.name"]),
        version: take(["otel.scope.version", "otel.library.version"]),
        attributes: Attributes::new(),
    }
}

/// The value of a tag of this type. Large integers are strings, because `JavaScript` would round them.
pub(super) fn value(kind: &str, found: serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match (kind, found) {
        ("binary", Json::String(text)) => match from_base64(&text) {
            Some(bytes) => Value::Bytes(bytes),
            None => Value::String(text),
        },
        ("int64", Json::String(text)) => match text.parse() {
            Ok(number) => Value::Int(number),
            Err(_) => Value::String(text),
        },
        ("float64", Json::String(text)) => match text.parse() {
            Ok(number) => Value::Double(number),
            Err(_) => Value::String(text),
        },
        ("bool", Json::String(text)) if text == "true" => Value::Bool(true),
        ("bool", Json::String(text)) if text == "false" => Value::Bool(false),
        (_, Json::String(text)) => Value::String(text),
        ("string", other) => Value::String(other.to_string()),
        (_, Json::Bool(value)) => Value::Bool(value),
        ("float64", Json::Number(number)) => number.as_f64().map_or(Value::Empty, Value::Double),
        (_, Json::Number(number)) => match number.as_i64() {
            Some(number) => Value::Int(number),
            None => number.as_f64().map_or(Value::Empty, Value::Double),
        },
        (_, Json::Null) => Value::Empty,
        (_, other) => Value::String(other.to_string()),
    }
}
