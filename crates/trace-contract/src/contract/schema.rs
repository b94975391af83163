//! The JSON Schema of the contract language, for editors and other tools.

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::matcher::{Matcher, Text, ValueType};
use super::repeat::Repeat;
use super::span::SpanContract;
use super::status::StatusContract;

/// The JSON Schema (2020-12) of the contract language, formatted, with a newline at its
/// end.
///
/// # Panics
/// Never: a schema is valid JSON.
pub fn json_schema() -> String {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let span = generator.subschema_for::<SpanContract>();
    let schema = json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Trace contract",
        "anyOf": [
            span,
            {
                "description": "All spans, depth first, each with its `depth`.",
                "type": "object",
                "properties": { "spans": { "type": "array", "items": span, "minItems": 1 } },
                "required": ["spans"],
                "additionalProperties": false
            }
        ],
        "$defs": generator.take_definitions(true)
    });
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is valid JSON");
    text.push('\n');
    text
}

impl JsonSchema for Text {
    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A string, or a pattern that must match the complete string.",
            "oneOf": [
                { "type": "string" },
                {
                    "type": "object",
                    "properties": { "matches": { "type": "string", "format": "regex" } },
                    "required": ["matches"],
                    "additionalProperties": false
                }
            ]
        })
    }
}

impl JsonSchema for Matcher {
    fn schema_name() -> Cow<'static, str> {
        "Matcher".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value_type = generator.subschema_for::<ValueType>();
        json_schema!({
            "description": "A value that must be equal in type and content (200 is not \"200\"), or a matcher.",
            "oneOf": [
                { "type": ["string", "number", "boolean", "array"] },
                {
                    "type": "object",
                    "properties": {
                        "matches": {
                            "description": "A pattern that must match the complete string.",
                            "type": "string",
                            "format": "regex"
                        },
                        "present": {
                            "description": "Whether the attribute exists, with any value.",
                            "type": "boolean"
                        },
                        "type": value_type,
                        "equals": {
                            "description": "This value; needed only if it is a map or null."
                        }
                    },
                    "minProperties": 1,
                    "maxProperties": 1,
                    "additionalProperties": false
                }
            ]
        })
    }
}

impl JsonSchema for StatusContract {
    fn schema_name() -> Cow<'static, str> {
        "Status".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let text = generator.subschema_for::<Text>();
        json_schema!({
            "description": "The status of the span; for an error, its message can be compared, too.",
            "oneOf": [
                { "enum": ["unset", "ok", "error"] },
                {
                    "type": "object",
                    "properties": {
                        "code": { "enum": ["unset", "ok", "error"] },
                        "message": text
                    },
                    "required": ["code"],
                    "additionalProperties": false
                }
            ]
        })
    }
}

impl JsonSchema for Repeat {
    fn schema_name() -> Cow<'static, str> {
        "Repeat".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The number of spans: 3, or 1..3 for one to three.",
            "oneOf": [
                { "type": "integer", "minimum": 1 },
                { "type": "string", "pattern": "^[0-9]+(\\.\\.[0-9]+)?$" }
            ]
        })
    }
}
