//! `opentelemetry.proto.common.v1`: attributes and their values.

use opentelemetry::{Array, KeyValue, StringValue, Value};

use super::wire::{bytes, field_len, fixed64, head, text, text_len, unsigned, varint_len};

/// `KeyValue.key`, `KeyValue.value`.
const KEY: u32 = 1;
const VALUE: u32 = 2;
/// `AnyValue`'s cases.
const STRING: u32 = 1;
const BOOL: u32 = 2;
const INT: u32 = 3;
const DOUBLE: u32 = 4;
const ARRAY: u32 = 5;
/// `ArrayValue.values`.
const VALUES: u32 = 1;

/// The maximum number of characters of a string attribute
/// (`OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`, which the SDK does not apply).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ValueLimit(pub(crate) Option<usize>);

impl ValueLimit {
    fn truncate(self, text: &str) -> &str {
        match self.0 {
            Some(limit) if text.len() > limit => text
                .char_indices()
                .nth(limit)
                .map_or(text, |(end, _)| &text[..end]),
            _ => text,
        }
    }
}

/// Bytes of all attributes as repeated fields with a one-byte tag.
pub(super) fn attributes_len(attributes: &[KeyValue], limit: ValueLimit) -> usize {
    attributes
        .iter()
        .map(|attribute| field_len(attribute_len(attribute, limit)))
        .sum()
}

/// Writes attributes as the repeated field `field`.
pub(super) fn attributes(
    out: &mut Vec<u8>,
    field: u32,
    attributes: &[KeyValue],
    limit: ValueLimit,
) {
    for attribute in attributes {
        let key = attribute.key.as_str();
        let value_len = value_len(&attribute.value, limit);
        head(out, field, text_len(key) + field_len(value_len));
        text(out, KEY, key);
        head(out, VALUE, value_len);
        value(out, &attribute.value, limit);
    }
}

fn attribute_len(attribute: &KeyValue, limit: ValueLimit) -> usize {
    text_len(attribute.key.as_str()) + field_len(value_len(&attribute.value, limit))
}

fn value_len(value: &Value, limit: ValueLimit) -> usize {
    match value {
        Value::Bool(_) => 2,
        Value::I64(value) => int_len(*value),
        Value::F64(_) => 9,
        Value::String(value) => string_len(value, limit),
        Value::Array(array) => field_len(array_len(array, limit)),
        // `Value` is non-exhaustive: an unknown kind is sent as its text.
        other => field_len(limit.truncate(&other.as_str()).len()),
    }
}

fn value(out: &mut Vec<u8>, value: &Value, limit: ValueLimit) {
    match value {
        Value::Bool(value) => unsigned(out, BOOL, u64::from(*value)),
        Value::I64(value) => int(out, *value),
        Value::F64(value) => fixed64(out, DOUBLE, value.to_le_bytes()),
        Value::String(value) => bytes(out, STRING, limit.truncate(value.as_str()).as_bytes()),
        Value::Array(values) => {
            head(out, ARRAY, array_len(values, limit));
            array(out, values, limit);
        }
        other => bytes(out, STRING, limit.truncate(&other.as_str()).as_bytes()),
    }
}

fn array_len(array: &Array, limit: ValueLimit) -> usize {
    match array {
        Array::Bool(values) => values.len() * field_len(2),
        Array::I64(values) => values.iter().map(|value| field_len(int_len(*value))).sum(),
        Array::F64(values) => values.len() * field_len(9),
        Array::String(values) => values
            .iter()
            .map(|value| field_len(string_len(value, limit)))
            .sum(),
        // `Array` is non-exhaustive; an unknown kind is sent as an empty array.
        _ => 0,
    }
}

fn array(out: &mut Vec<u8>, array: &Array, limit: ValueLimit) {
    match array {
        Array::Bool(values) => {
            for value in values {
                head(out, VALUES, 2);
                unsigned(out, BOOL, u64::from(*value));
            }
        }
        Array::I64(values) => {
            for value in values {
                head(out, VALUES, int_len(*value));
                int(out, *value);
            }
        }
        Array::F64(values) => {
            for value in values {
                head(out, VALUES, 9);
                fixed64(out, DOUBLE, value.to_le_bytes());
            }
        }
        Array::String(values) => {
            for value in values {
                head(out, VALUES, string_len(value, limit));
                bytes(out, STRING, limit.truncate(value.as_str()).as_bytes());
            }
        }
        _ => {}
    }
}

fn string_len(value: &StringValue, limit: ValueLimit) -> usize {
    field_len(limit.truncate(value.as_str()).len())
}

/// `int64` is encoded in two's complement, so a negative value takes ten bytes.
fn int_len(value: i64) -> usize {
    1 + varint_len(value.cast_unsigned())
}

fn int(out: &mut Vec<u8>, value: i64) {
    unsigned(out, INT, value.cast_unsigned());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_counts_characters_and_truncates_between_them() {
        assert_eq!(ValueLimit(Some(2)).truncate("äöü"), "äö");
        assert_eq!(ValueLimit(Some(3)).truncate("äöü"), "äöü");
        assert_eq!(ValueLimit(Some(0)).truncate("a"), "");
        assert_eq!(ValueLimit(None).truncate("äöü"), "äöü");
    }
}
