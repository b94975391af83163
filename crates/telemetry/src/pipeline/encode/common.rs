//! `opentelemetry.proto.common.v1`: attributes and their values.

use opentelemetry::{Array, KeyValue, StringValue, Value};

use super::wire::{
    bytes, bytes_tag, field_len, fixed64, head, text, text_len, unsigned, varint_len,
};

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

/// How many characters a string attribute keeps; all where there is no limit
/// (`OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`, which the SDK does not apply).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ValueLimit(pub(crate) Option<usize>);

impl ValueLimit {
    fn cut(self, text: &str) -> &str {
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
        let short = match &attribute.value {
            Value::String(value) => short_text(out, field, key, limit.cut(value.as_str())),
            Value::I64(value) => short_int(out, field, key, *value),
            _ => None,
        };
        if short.is_some() {
            continue;
        }
        let value_len = value_len(&attribute.value, limit);
        head(out, field, text_len(key) + field_len(value_len));
        text(out, KEY, key);
        head(out, VALUE, value_len);
        value(out, &attribute.value, limit);
    }
}

/// The most bytes of key and value together with which every length of an
/// attribute is one byte: the greatest is that of the whole, which has three
/// heads of two bytes inside.
const SHORT: usize = 0x7f - 3 * 2;

/// What most attributes are: a text that is short, like its key. `None`, and
/// nothing written, where it is not.
fn short_text(out: &mut Vec<u8>, field: u32, key: &str, value: &str) -> Option<()> {
    if key.is_empty() || key.len() + value.len() > SHORT {
        return None;
    }
    let [k, v] = [low_byte(key.len()), low_byte(value.len())];
    out.extend_from_slice(&[bytes_tag(field), k + v + 6, bytes_tag(KEY), k]);
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(&[bytes_tag(VALUE), v + 2, bytes_tag(STRING), v]);
    out.extend_from_slice(value.as_bytes());
    Some(())
}

/// The same for a small number: a status code, a port.
fn short_int(out: &mut Vec<u8>, field: u32, key: &str, value: i64) -> Option<()> {
    const VARINT: usize = 3;
    let fits = (0..1 << (7 * VARINT)).contains(&value);
    if key.is_empty() || key.len() + VARINT > SHORT || !fits {
        return None;
    }
    let value = value.cast_unsigned();
    let [k, v] = [low_byte(key.len()), low_byte(varint_len(value))];
    out.extend_from_slice(&[bytes_tag(field), k + v + 5, bytes_tag(KEY), k]);
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(&[bytes_tag(VALUE), v + 1]);
    unsigned(out, INT, value);
    Some(())
}

fn low_byte(number: usize) -> u8 {
    number.to_le_bytes()[0]
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
        // Value is non-exhaustive: a kind that this version does not know is sent as its text.
        other => field_len(limit.cut(&other.as_str()).len()),
    }
}

fn value(out: &mut Vec<u8>, value: &Value, limit: ValueLimit) {
    match value {
        Value::Bool(value) => unsigned(out, BOOL, u64::from(*value)),
        Value::I64(value) => int(out, *value),
        Value::F64(value) => fixed64(out, DOUBLE, value.to_le_bytes()),
        Value::String(value) => bytes(out, STRING, limit.cut(value.as_str()).as_bytes()),
        Value::Array(values) => {
            head(out, ARRAY, array_len(values, limit));
            array(out, values, limit);
        }
        other => bytes(out, STRING, limit.cut(&other.as_str()).as_bytes()),
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
        // Array is non-exhaustive; see `value_len`.
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
                bytes(out, STRING, limit.cut(value.as_str()).as_bytes());
            }
        }
        _ => {}
    }
}

fn string_len(value: &StringValue, limit: ValueLimit) -> usize {
    field_len(limit.cut(value.as_str()).len())
}

/// `int64` is sent as the two's complement, so a negative one takes ten bytes.
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
    fn a_limit_counts_characters_and_cuts_between_them() {
        assert_eq!(ValueLimit(Some(2)).cut("äöü"), "äö");
        assert_eq!(ValueLimit(Some(3)).cut("äöü"), "äöü");
        assert_eq!(ValueLimit(Some(0)).cut("a"), "");
        assert_eq!(ValueLimit(None).cut("äöü"), "äöü");
    }
}
