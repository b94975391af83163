//! Attributes and their values in OTLP's JSON.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

use crate::json::{Base64, Nullable, Number};
use crate::model::{Attributes, Value};

/// A list of keys and values.
#[derive(Debug, Default)]
pub(super) struct JsonAttributes(pub(super) Attributes);

impl<'de> Deserialize<'de> for JsonAttributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;

        impl<'de> Visitor<'de> for List {
            type Value = JsonAttributes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of objects with `key` and `value`")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut attributes = Attributes::new();
                while let Some(pair) = list.next_element::<KeyValue>()? {
                    attributes.insert(pair.key.0, pair.value.0.0);
                }
                Ok(JsonAttributes(attributes))
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(JsonAttributes::default())
            }
        }

        deserializer.deserialize_any(List)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct KeyValue {
    key: Nullable<String>,
    value: Nullable<AnyValue>,
}

#[derive(Deserialize)]
#[serde(from = "ValueFields")]
struct AnyValue(Value);

impl Default for AnyValue {
    fn default() -> Self {
        Self(Value::Empty)
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(clippy::struct_field_names)] // OTLP's own names.
struct ValueFields {
    #[serde(alias = "string_value")]
    string_value: Option<String>,
    #[serde(alias = "bool_value")]
    bool_value: Option<bool>,
    #[serde(alias = "int_value")]
    int_value: Option<Number<i64>>,
    #[serde(alias = "double_value")]
    double_value: Option<Number<f64>>,
    #[serde(alias = "bytes_value")]
    bytes_value: Option<Base64>,
    #[serde(alias = "array_value")]
    array_value: Option<ArrayValue>,
    #[serde(alias = "kvlist_value")]
    kvlist_value: Option<KvlistValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ArrayValue {
    values: Nullable<Vec<Nullable<AnyValue>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct KvlistValue {
    values: JsonAttributes,
}

impl From<ValueFields> for AnyValue {
    fn from(found: ValueFields) -> Self {
        Self(if let Some(text) = found.string_value {
            Value::String(text)
        } else if let Some(value) = found.bool_value {
            Value::Bool(value)
        } else if let Some(number) = found.int_value {
            Value::Int(number.0)
        } else if let Some(number) = found.double_value {
            Value::Double(number.0)
        } else if let Some(bytes) = found.bytes_value {
            Value::Bytes(bytes.0)
        } else if let Some(list) = found.array_value {
            let values = list.values.0.into_iter();
            Value::Array(values.map(|value| value.0.0).collect())
        } else if let Some(list) = found.kvlist_value {
            Value::Map(list.values.0)
        } else {
            Value::Empty
        })
    }
}
